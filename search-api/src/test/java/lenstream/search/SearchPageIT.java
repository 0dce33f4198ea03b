package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.Select;

/** The search page in a real Chromium. */
@ExtendWith(GalleryIndex.Extension.class)
class SearchPageIT {
    private static GalleryIndex index;
    private static SearchServer server;
    private static Chromium chromium;
    private static ChromeDriver browser;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) {
        Chromium.require();
        index = shared;
        server = SearchServer.start(index.config());
        chromium = Chromium.at(server.uri());
        browser = chromium.driver;
    }

    @AfterAll
    static void stop() {
        if (chromium != null) {
            chromium.close();
        }
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    void home() {
        chromium.size(1360, 900);
        open("/");
        browser.executeScript("localStorage.clear()");
        open("/");
        awaitTiles();
    }

    @Test
    void theStartShowsTheNewestPicturesAndExamplesThatAreThere() throws Exception {
        List<WebElement> chips = browser.findElements(By.cssSelector("#chips button"));
        assertThat(chips).isNotEmpty();
        shoot("home-light");
        String words = chips.getFirst().getText();
        chips.getFirst().click();
        await("heading", () -> text("#heading").contains(words));
        assertThat(tiles()).isNotEmpty();
    }

    @Test
    void wordsGiveResultsWhileTheyAreTyped() throws Exception {
        type("red flower");
        await("heading", () -> text("#heading").contains("red flower"));
        assertThat(tiles()).isNotEmpty();
        assertThat(text("#status")).contains("pictures").contains("ms");
        assertThat(browser.getCurrentUrl()).contains("q=red+flower");
        shoot("search-light");
    }

    @Test
    void theBackButtonLeadsBack() {
        type("frog");
        await("frog", () -> text("#heading").contains("frog"));
        browser.navigate().back();
        await("start", () -> text("#heading").equals("Newest"));
        browser.navigate().forward();
        await("frog again", () -> text("#heading").contains("frog"));
        assertThat(browser.findElement(By.id("q")).getDomProperty("value")).isEqualTo("frog");
    }

    @Test
    void aPictureFileFindsItself() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(7);
        browser.findElement(By.id("file"))
                .sendKeys(picture.file().toAbsolutePath().normalize().toString());
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        assertThat(tiles().getFirst().getDomAttribute("data-id")).isEqualTo(picture.id());
        shoot("upload-light");
    }

    @Test
    void aPastedPictureFindsItself() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(11);
        give(picture, "dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))");
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        assertThat(tiles().getFirst().getDomAttribute("data-id")).isEqualTo(picture.id());
    }

    @Test
    void aDroppedPictureFindsItself() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(12);
        give(picture, "dispatchEvent(new DragEvent('dragenter', {dataTransfer: data, bubbles: true}))");
        assertThat(browser.findElement(By.id("drop")).getDomAttribute("class")).contains("on");
        give(picture, "dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))");
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        assertThat(tiles().getFirst().getDomAttribute("data-id")).isEqualTo(picture.id());
        assertThat(browser.findElement(By.id("drop")).getDomAttribute("class")).doesNotContain("on");
    }

    @Test
    void aPictureThatAReloadLostIsAskedForAgainAndThenSearched() {
        open("/?upload=1");
        await("gone", () -> text("#empty-title").equals("That picture is gone"));
        assertThat(browser.findElement(By.id("picture-image")).isDisplayed()).isFalse();
        GalleryIndex.Picture picture = index.pictures.get(7);
        browser.findElement(By.id("file"))
                .sendKeys(picture.file().toAbsolutePath().normalize().toString());
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        assertThat(tiles().getFirst().getDomAttribute("data-id")).isEqualTo(picture.id());
        assertThat(browser.findElement(By.id("picture-image")).isDisplayed()).isTrue();
    }

    @Test
    void aServerThatIsGoneIsSaidAndSearchedAgain() {
        open("/?q=animal");
        awaitTiles();
        browser.executeScript("window.kept = fetch; window.fetch = () => Promise.reject(new TypeError('refused'))");
        type(" frog");
        await("trouble", () -> text("#empty-title").equals("No connection"));
        assertThat(browser.findElement(By.id("more")).isDisplayed()).isFalse();
        chromium.requireAccessible("no connection");
        browser.executeScript("window.fetch = window.kept");
        browser.findElement(By.id("retry")).click();
        await("results", () -> text("#heading").contains("animal frog") && !tiles().isEmpty());
    }

    @Test
    void aTileWithoutItsPictureShowsItsWords() {
        open("/?q=flower");
        awaitTiles();
        browser.executeScript("document.querySelector('.tile img').src = '/v1/images/0/thumbnail'");
        await(
                "words",
                () -> browser.findElement(By.cssSelector(".tile .label"))
                        .getCssValue("opacity")
                        .equals("1"));
        assertThat(text(".tile .label")).isNotBlank();
        new Actions(browser).moveToElement(browser.findElement(By.id("q"))).perform();
        await(
                "picture",
                () -> browser.findElements(By.cssSelector(".tile.untold")).isEmpty());
    }

    @Test
    void longAndRightToLeftWordsKeepTheirPlace() {
        open("/?q=" + URLEncoder.encode("flower ".repeat(250), UTF_8));
        awaitTiles();
        assertThat(browser.findElement(By.id("status")).getSize().height).isLessThan(40);
        assertThat(chromium.excessWidth()).isZero();
        open("/?q=" + URLEncoder.encode("\u05e4\u05e8\u05d7 \u05d0\u05d3\u05d5\u05dd", UTF_8));
        awaitTiles();
        for (String id : List.of("q", "heading")) {
            assertThat(browser.findElement(By.id(id)).getCssValue("direction"))
                    .as(id)
                    .isEqualTo("rtl");
        }
    }

    @Test
    void theCameraSearchesAndIsLetGo() throws Exception {
        browser.findElement(By.id("camera")).click();
        WebElement take = browser.findElement(By.id("viewfinder-take"));
        await("camera", take::isEnabled);
        shoot("camera-light");
        chromium.requireAccessible("camera");
        take.click();
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        assertThat(text("#picture-label")).isEqualTo("camera picture");
        assertThat(browser.executeScript("return document.getElementById('viewfinder-video').srcObject"))
                .isNull();
    }

    @Test
    void aCameraThatIsRefusedIsExplained() {
        browser.executeScript(
                "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }");
        browser.findElement(By.id("camera")).click();
        await("reason", () -> text("#viewfinder-trouble").contains("not allowed"));
        assertThat(browser.findElement(By.id("viewfinder-take")).isEnabled()).isFalse();
        browser.findElement(By.id("viewfinder-close")).click();
        assertThat(browser.findElement(By.id("viewfinder")).isDisplayed()).isFalse();
    }

    /** Runs a script in which {@code data} is a transfer that holds the picture's file, as the browser would make it. */
    private static void give(GalleryIndex.Picture picture, String script) throws IOException {
        String base64 = Base64.getEncoder().encodeToString(Files.readAllBytes(picture.file()));
        browser.executeScript("""
                const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
                const data = new DataTransfer();
                data.items.add(new File([bytes], "picture.jpg", {type: "image/jpeg"}));
                """ + "document.body." + script + ";", base64);
    }

    @Test
    void detailsTellEverythingAndLeadToMoreLikeIt() throws Exception {
        type("flower");
        await("results", () -> text("#heading").contains("flower"));
        String id = tiles().getFirst().getDomAttribute("data-id");
        tiles().getFirst().click();
        await("details", () -> browser.findElement(By.id("details")).isDisplayed());
        assertThat(text("#details-facts")).contains("Cosine", "Size", "Licence", "lensmini-1-");
        assertThat(browser.getCurrentUrl()).contains("show=" + id);
        awaitImages();
        shoot("details-light");
        browser.findElement(By.id("details-similar")).click();
        await("more like this", () -> text("#heading").equals("Similar pictures") && !tiles().isEmpty());
        assertThat(tiles()).noneMatch(tile -> String.valueOf(id).equals(tile.getDomAttribute("data-id")));
    }

    @Test
    void aHitRefinesTheQueryAndTheAddressRemembersIt() throws Exception {
        open("/?q=flower");
        awaitTiles();
        String first = first();
        showFirst();
        browser.findElement(By.id("details-less")).click();
        await("refined", () -> text("#heading").endsWith("refined") && !first.equals(first()));
        assertThat(browser.getCurrentUrl()).contains("q=flower", "less=" + first);
        String liked = first();
        showFirst();
        browser.findElement(By.id("details-more")).click();
        await("both", () -> browser.findElements(By.cssSelector(".refinement")).size() == 2 && !liked.equals(first()));
        List<String> refined = shownIds();
        assertThat(refined).doesNotContain(first, liked);
        browser.navigate().refresh();
        awaitTiles();
        assertThat(shownIds()).isEqualTo(refined);
        awaitImages();
        shoot("refine-light");
        browser.findElement(By.cssSelector(".refinement.away")).click();
        await("taken back", () -> !browser.getCurrentUrl().contains("less="));
        assertThat(browser.getCurrentUrl()).contains("more=" + liked);
    }

    @Test
    void aHitSaysWhyItWasFound() throws Exception {
        open("/?q=frog&mode=hybrid");
        awaitTiles();
        showFirst();
        assertThat(text("#details-why")).contains("By its looks it is number", "By its words");
        shoot("why-light");
        open("/?q=flower&less=" + index.pictures.get(3).id());
        awaitTiles();
        showFirst();
        assertThat(text("#details-why")).contains("flower, weight 1", "weight -0.25");
    }

    @Test
    void newerFirstStandsInTheAddressAndSaysHowMuchItCounted() {
        open("/?q=flower");
        awaitTiles();
        List<String> best = shownIds();
        choose("recency", "0.5");
        await(
                "another order",
                () -> browser.getCurrentUrl().contains("recency=0.5")
                        && !shownIds().equals(best));
        showFirst();
        assertThat(text("#details-why")).contains("By its time it is number", "of its place");
    }

    @Test
    void coloursFilter() {
        open("/?q=flower");
        awaitTiles();
        assertThat(browser.findElement(By.id("filter-color")).getText()).contains("All colours", "red (");
        choose("filter-color", "red");
        await(
                "filtered",
                () -> browser.getCurrentUrl().contains("color=red")
                        && browser.findElements(By.cssSelector("#results.stale"))
                                .isEmpty());
        showFirst();
        assertThat(text("#details-facts")).contains("Colours", "red");
    }

    @Test
    void filtersComeFromTheHitsAndStandInTheAddress() throws Exception {
        open("/?q=frog");
        awaitTiles();
        int all = tiles().size();
        WebElement label = browser.findElement(By.id("filter-label"));
        label.sendKeys("a/b");
        assertThat(label.getDomProperty("value")).as("a slash is a letter here").isEqualTo("a/b");
        label.clear();
        label.sendKeys("flower", Keys.ENTER);
        await(
                "labelled",
                () -> browser.getCurrentUrl().contains("label=flower") && !tiles().isEmpty() && tiles().size() < all);
        label.clear();
        label.sendKeys(Keys.ENTER);
        await("unlabelled", () -> tiles().size() == all);
        WebElement host = browser.findElement(By.id("filter-host"));
        assertThat(host.getText()).contains("All hosts", "mirror.test (1)");
        choose("filter-host", "mirror.test");
        await("one", () -> tiles().size() == 1);
        assertThat(browser.getCurrentUrl()).contains("host=mirror.test");
        choose("filter-min_width", "1920");
        await("none", () -> text("#empty-text").contains("passes these filters"));
        browser.findElement(By.id("filters-clear")).click();
        await("all", () -> tiles().size() > 1);
        choose("filter-orientation", "landscape");
        await(
                "filtered",
                () -> browser.getCurrentUrl().contains("orientation=landscape")
                        && browser.findElements(By.cssSelector("#results.stale"))
                                .isEmpty());
        assertThat(tiles()).isNotEmpty();
        awaitImages();
        shoot("filters-light");
    }

    @Test
    void aPartOfAHitIsSearched() throws Exception {
        open("/?q=flower");
        awaitTiles();
        String id = first();
        showFirst();
        awaitImages();
        WebElement picture = browser.findElement(By.id("details-image"));
        new Actions(browser)
                .moveToElement(picture, -60, -60)
                .clickAndHold()
                .moveByOffset(110, 100)
                .release()
                .perform();
        assertThat(browser.findElement(By.id("box")).isDisplayed()).isTrue();
        shoot("region-light");
        browser.findElement(By.id("part-search")).click();
        await("part", () -> text("#picture-label").equals("like this part") && !tiles().isEmpty());
        assertThat(browser.getCurrentUrl()).contains("like=" + id, "region=");
        assertThat(text("#status")).contains("shown");
    }

    @Test
    void wordsInThePictureShowWhereTheyStandAndSearchThere() throws Exception {
        String tape = index.pictures.get(GalleryIndex.TAPE).id();
        open("/?q=measure&mode=text&show=" + tape);
        await("words", () -> text("#details-words-list").contains("TAPE"));
        assertThat(text("#details-why-list")).contains("words in the picture");
        WebElement line = browser.findElement(By.cssSelector("#details-words-list li:last-child button"));
        assertThat(line.getText()).isEqualTo("MEASURE");
        assertThat(browser.findElement(By.id("word")).isDisplayed()).isFalse();
        new Actions(browser).moveToElement(line).perform();
        await("box", () -> browser.findElement(By.id("word")).isDisplayed());
        shoot("words-light");
        chromium.requireAccessible("words");
        line.click();
        await("part", () -> text("#heading").equals("Similar pictures"));
        assertThat(browser.getCurrentUrl()).contains("like=" + tape).contains("region=20%2C103%2C117%2C31");
    }

    @Test
    void aPartOfTheQueryPictureIsMarkedByKeyboard() throws Exception {
        browser.findElement(By.id("file"))
                .sendKeys(index.pictures
                        .get(7)
                        .file()
                        .toAbsolutePath()
                        .normalize()
                        .toString());
        await("results", () -> text("#heading").equals("Like your picture") && !tiles().isEmpty());
        browser.findElement(By.id("picture-show")).click();
        await("dialog", () -> browser.findElement(By.id("details")).isDisplayed());
        browser.findElement(By.id("part-start")).sendKeys(Keys.ENTER);
        assertThat(focused().getDomAttribute("id")).isEqualTo("box");
        focused().sendKeys(Keys.ARROW_LEFT, Keys.ARROW_UP);
        focused().sendKeys(Keys.chord(Keys.SHIFT, Keys.ARROW_RIGHT));
        shoot("region-upload-light");
        focused().sendKeys(Keys.ENTER);
        await("part", () -> text("#picture-label").startsWith("part of ") && !tiles().isEmpty());
        assertThat(browser.getCurrentUrl()).contains("region=");
    }

    @Test
    void theKeyboardIsEnough() {
        browser.findElement(By.id("brand")).sendKeys("/");
        assertThat(focused().getDomAttribute("id")).isEqualTo("q");
        focused().sendKeys("flower");
        await("results", () -> text("#heading").contains("flower"));
        focused().sendKeys(Keys.ARROW_DOWN);
        String first = focused().getDomAttribute("data-id");
        assertThat(first).isEqualTo(tiles().getFirst().getDomAttribute("data-id"));
        focused().sendKeys(Keys.ARROW_RIGHT);
        String second = focused().getDomAttribute("data-id");
        assertThat(second).isNotNull().isNotEqualTo(first);
        focused().sendKeys(Keys.ENTER);
        await("details", () -> browser.findElement(By.id("details")).isDisplayed());
        focused().sendKeys(Keys.ESCAPE);
        await("closed", () -> !browser.findElement(By.id("details")).isDisplayed());
        assertThat(focused().getDomAttribute("data-id")).isEqualTo(second);
        focused().sendKeys(Keys.ESCAPE);
        assertThat(focused().getDomAttribute("id")).isEqualTo("q");
        focused().sendKeys(Keys.ESCAPE);
        await("start", () -> text("#heading").equals("Newest"));
    }

    @Test
    void coloursAreChosenAndRemembered() throws Exception {
        assertThat(theme()).isEqualTo("light");
        browser.findElement(By.id("theme")).click();
        assertThat(theme()).isEqualTo("dark");
        open("/?q=flower");
        awaitTiles();
        assertThat(theme()).isEqualTo("dark");
        awaitImages();
        shoot("search-dark");
    }

    @Test
    void aPhoneShowsTheSamePageWithoutSidewaysScrolling() throws Exception {
        chromium.size(500, 900);
        open("/?q=flower");
        awaitTiles();
        awaitImages();
        assertThat(chromium.excessWidth()).isZero();
        shoot("search-phone");
        showFirst();
        browser.executeScript("document.getElementById('details').scrollTop = 9999");
        assertThat(chromium.inView("#details-close")).isTrue();
    }

    @Test
    void theBadgesOfANarrowPictureDoNotOverlap() {
        chromium.size(500, 900);
        open("/?q=" + URLEncoder.encode(index.pictures.getFirst().title(), UTF_8));
        awaitTiles();
        for (int width : List.of(60, 100, 200)) {
            assertThat(browser.executeScript("""
                            const tile = document.querySelector(".copies").closest(".tile");
                            tile.style.width = arguments[0] + "px";
                            const [copies, score] = [".copies", ".score"].map((badge) => tile.querySelector(badge).getBoundingClientRect());
                            return copies.width === 0 || copies.right <= score.left;
                            """, width)).as(width + " px").isEqualTo(true);
        }
    }

    @Test
    void nothingFoundIsSaidHonestly() throws Exception {
        open("/?q=zzzzqqqq&mode=text");
        await("empty", () -> browser.findElement(By.id("empty")).isDisplayed());
        assertThat(text("#empty-title")).isEqualTo("Nothing found");
        shoot("empty-light");
    }

    @Test
    void wordsThatNothingMatchesAreToldSo() throws Exception {
        open("/?q=how+to+install+java");
        awaitTiles();
        assertThat(text("#note")).startsWith("Nothing here matches.");
        shoot("nothing-light");
    }

    @Test
    void morePicturesFollow() {
        open("/?q=animal");
        awaitTiles();
        int before = tiles().size();
        WebElement more = browser.findElement(By.id("more"));
        browser.executeScript("arguments[0].scrollIntoView({block: 'center'})", more);
        more.click();
        await("more", () -> tiles().size() > before);
        assertThat(shownIds()).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @CsvSource({"light, 1360", "dark, 1360", "light, 500"})
    void accessibilityRulesHoldEverywhere(String theme, int width) {
        chromium.size(width, 900);
        browser.executeScript("localStorage.setItem('theme', arguments[0])", theme);
        open("/");
        awaitTiles();
        chromium.requireAccessible("start");
        open("/?q=flower");
        awaitTiles();
        chromium.requireAccessible("results");
        showFirst();
        awaitImages();
        chromium.requireAccessible("details");
        browser.findElement(By.id("part-start")).click();
        chromium.requireAccessible("a part");
        open("/?q=flower&less=" + index.pictures.get(3).id());
        awaitTiles();
        chromium.requireAccessible("refined");
        open("/?q=zzzzqqqq&mode=text");
        await("empty", () -> browser.findElement(By.id("empty")).isDisplayed());
        chromium.requireAccessible("nothing found");
    }

    private static void showFirst() {
        tiles().getFirst().click();
        await("details", () -> browser.findElement(By.id("details")).isDisplayed());
    }

    private static String first() {
        return String.valueOf(tiles().getFirst().getDomAttribute("data-id"));
    }

    private static List<String> shownIds() {
        return tiles().stream()
                .map(tile -> String.valueOf(tile.getDomAttribute("data-id")))
                .toList();
    }

    private static void choose(String select, String value) {
        new Select(browser.findElement(By.id(select))).selectByValue(value);
    }

    private static void open(String path) {
        chromium.open(path);
    }

    private static void type(String words) {
        browser.findElement(By.id("q")).sendKeys(words);
    }

    private static List<WebElement> tiles() {
        return browser.findElements(By.cssSelector(".tile[data-id]"));
    }

    private static WebElement focused() {
        return browser.switchTo().activeElement();
    }

    private static String theme() {
        return String.valueOf(browser.executeScript("return document.documentElement.dataset.theme"));
    }

    private static String text(String selector) {
        return chromium.text(selector);
    }

    private static void awaitTiles() {
        await("tiles", () -> !tiles().isEmpty());
    }

    private static void awaitImages() {
        await(
                "pictures",
                () -> Boolean.TRUE.equals(
                        browser.executeScript(
                                "return [...document.querySelectorAll('.tile img')].slice(0, 12).every(i => i.complete && getComputedStyle(i).opacity === '1')")));
    }

    private static void await(String what, BooleanSupplier condition) {
        chromium.await(what, condition);
    }

    private static void shoot(String name) throws Exception {
        awaitImages();
        chromium.shoot(name);
    }
}
