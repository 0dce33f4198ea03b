package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.deque.html.axecore.results.Rule;
import com.deque.html.axecore.selenium.AxeBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * A real Chromium on a server's pages: the distribution's browser and driver, nothing is downloaded. Where they are
 * missing the tests are skipped, but with {@code CI=true} that is a failure. Screenshots go to {@code
 * target/screenshots}.
 */
final class Chromium implements AutoCloseable {
    private static final Path BROWSER = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");
    private static final Duration LIMIT = Duration.ofSeconds(20);

    final ChromeDriver driver;
    private final URI server;

    private Chromium(ChromeDriver driver, URI server) {
        this.driver = driver;
        this.server = server;
    }

    static void require() {
        if (!Files.isExecutable(BROWSER) || !Files.isExecutable(DRIVER)) {
            String missing = "SKIPPED: needs " + BROWSER + " and " + DRIVER + " (Debian: chromium, chromium-driver)";
            assertThat(System.getenv("CI")).as(missing).isNotEqualTo("true");
            abort(missing);
        }
    }

    /** Starts a browser with a camera that shows a test picture. */
    static Chromium at(URI server) {
        var service = new ChromeDriverService.Builder()
                .usingDriverExecutable(DRIVER.toFile())
                .build();
        var options = new ChromeOptions()
                .setBinary(BROWSER.toFile())
                .addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
                .addArguments("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
        return new Chromium(new ChromeDriver(service, options), server);
    }

    void size(int width, int height) {
        driver.manage().window().setSize(new Dimension(width, height));
    }

    void open(String path) {
        driver.get(server.resolve(path).toString());
    }

    String text(String selector) {
        return driver.findElement(By.cssSelector(selector)).getText();
    }

    /** How many pixels the page is wider than the window. */
    long excessWidth() {
        return (Long) driver.executeScript(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    }

    /** Whether a person sees all of an element without scrolling. */
    boolean inView(String selector) {
        return (Boolean) driver.executeScript("""
                const {top, bottom, height} = document.querySelector(arguments[0]).getBoundingClientRect();
                return height > 0 && top >= 0 && bottom <= innerHeight;
                """, selector);
    }

    void await(String what, BooleanSupplier condition) {
        new WebDriverWait(driver, LIMIT, Duration.ofMillis(50))
                .ignoring(StaleElementReferenceException.class)
                .withMessage(what)
                .until(ignored -> condition.getAsBoolean());
    }

    /** Runs every rule of axe-core, WCAG's and the best practices. */
    void requireAccessible(String where) {
        List<Rule> violations = new AxeBuilder().analyze(driver).getViolations();
        assertThat(violations.stream()
                        .map(rule -> rule.getId() + ": "
                                + rule.getNodes().stream()
                                        .map(node -> node.getHtml() + " " + node.getFailureSummary())
                                        .toList())
                        .toList())
                .as(where)
                .isEmpty();
    }

    void shoot(String name) throws IOException {
        Path folder = Files.createDirectories(Path.of("target/screenshots"));
        Files.write(folder.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    }

    @Override
    public void close() {
        driver.quit();
    }
}
