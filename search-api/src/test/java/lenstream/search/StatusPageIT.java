package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.time.Instant;
import java.util.List;
import lenstream.client.LensClient;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;

/** The status page and {@code /v1/status} over a real index. A real job on it: {@code DemoIT}. */
@ExtendWith(GalleryIndex.Extension.class)
class StatusPageIT {
    private static final URI NO_CLUSTER = URI.create("http://127.0.0.1:1");

    private static GalleryIndex index;
    private static SearchServer server;
    private static Chromium chromium;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) {
        Chromium.require();
        index = shared;
        reject("http://gallery.test/cut.jpg", "TRUNCATED_IMAGE", "the file ends after 1,024 of 20,480 bytes");
        reject("http://gallery.test/page.jpg", "NOT_AN_IMAGE", "an HTML page");
        reject("http://gallery.test/other.jpg", "NOT_AN_IMAGE", "plain text");
        server = SearchServer.start(index.config(), () -> List.of(NO_CLUSTER));
        chromium = Chromium.at(server.uri());
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

    private static void reject(String url, String reason, String detail) {
        ObjectNode document = JsonNodeFactory.instance
                .objectNode()
                .put(Field.ID, reason + url.hashCode())
                .put(Field.URL, url)
                .put(Field.STAGE, "DECODE")
                .put(Field.REASON, reason)
                .put(Field.DETAIL, detail)
                .put(Field.OBSERVED, Instant.now().toString());
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            String path = "/" + index.layout.rejectionIndex() + "/_doc/"
                    + document.get(Field.ID).asText();
            assertThat(client.send("PUT", path + "?refresh=true", document).ok())
                    .isTrue();
        }
    }

    @BeforeEach
    void status() {
        chromium.size(1360, 900);
        chromium.open("/status");
        chromium.driver.executeScript("localStorage.clear()");
        chromium.open("/status");
        chromium.await("figures", () -> !chromium.text("#updated").isEmpty());
    }

    @Test
    void theAnswerTellsWhatTheIndexHolds() {
        JsonNode status;
        try (LensClient lens = LensClient.connect(server.uri().toString())) {
            status = lens.call("GET", "/v1/status", null);
        }
        assertThat(status.at("/index/images").asLong()).isEqualTo(index.pictures.size());
        assertThat(status.at("/index/bytes").asLong()).isPositive();
        assertThat(status.at("/sites/0/site").asText()).isEqualTo("http://gallery.test/");
        assertThat(status.at("/rejections/images").asLong()).isGreaterThanOrEqualTo(3);
        assertThat(status.at("/rejections/reasons/0/examples/0/url").asText()).startsWith("http");
        assertThat(status.at("/throughput/images_per_minute")).hasSize(60);
        long written = 0;
        for (JsonNode minute : status.at("/throughput/images_per_minute")) {
            written += minute.asLong();
        }
        assertThat(written).isEqualTo(index.pictures.size());
        assertThat(status.at("/search/ready").asBoolean()).isTrue();
        assertThat(status.at("/problems/0").asText())
                .isEqualTo("Flink does not answer on " + NO_CLUSTER + " (ConnectException).");
    }

    @Test
    void thePageShowsTheFiguresAndWhatIsWrong() throws IOException {
        assertThat(chromium.text("#numbers")).contains(String.valueOf(index.pictures.size()), "images can be found");
        assertThat(chromium.text("#index")).contains("lensmini-1-", "lucene");
        assertThat(chromium.text("#sites")).contains("http://gallery.test/");
        assertThat(chromium.text("#jobs")).contains("No job is running", "./lenstream crawl");
        assertThat(chromium.text("#problems")).contains("Flink does not answer");
        assertThat(chromium.text("#alerts")).contains("none is set");
        assertThat(chromium.text("#embedding")).contains("no job is running");
        chromium.shoot("status-light");
    }

    @Test
    void anAddressIsExplained() throws IOException {
        chromium.open("/status?explain=" + URLEncoder.encode("http://gallery.test/never-seen.jpg", UTF_8));
        chromium.await("verdict", () -> chromium.text("#explanation").contains("unknown"));
        chromium.await("in view", () -> chromium.inView("#explanation"));
        String known;
        try (LensClient lens = LensClient.connect(server.uri().toString())) {
            known = lens.image(index.pictures.get(4).id()).orElseThrow().url();
        }
        chromium.driver.findElement(By.id("explain-url")).clear();
        chromium.driver.findElement(By.id("explain-url")).sendKeys(known);
        chromium.driver.findElement(By.cssSelector("#explain button")).click();
        chromium.await("verdict", () -> chromium.text("#explanation").contains("can be found"));
        assertThat(chromium.text(".timeline")).contains("indexed");
        assertThat(chromium.driver.getCurrentUrl()).contains("explain=http");
        chromium.requireAccessible("explained");
        chromium.shoot("explain-light");
    }

    @Test
    void aReasonUnfoldsToItsExamplesAndStaysUnfolded() {
        chromium.driver
                .findElement(By.xpath("//summary[contains(., 'not an image')]"))
                .click();
        chromium.await("examples", () -> chromium.text("#rejections").contains("an HTML page"));
        String before = chromium.text("#updated");
        chromium.await("next figures", () -> !chromium.text("#updated").equals(before));
        assertThat(chromium.text("#rejections")).contains("an HTML page", "http://gallery.test/page.jpg");
    }

    @ParameterizedTest
    @CsvSource({"light, 1360", "dark, 1360", "light, 500"})
    void accessibilityRulesHold(String theme, int width) throws IOException {
        chromium.size(width, 900);
        chromium.driver.executeScript("localStorage.setItem('theme', arguments[0])", theme);
        chromium.open("/status");
        chromium.await("figures", () -> !chromium.text("#updated").isEmpty());
        chromium.requireAccessible(theme + " " + width);
        assertThat(chromium.excessWidth()).isZero();
        assertThat((Boolean) chromium.driver.executeScript(
                        "return [...document.querySelectorAll('td')].every((cell) => cell.offsetHeight < 80)"))
                .as("no cell is so narrow that its words break into letters")
                .isTrue();
        chromium.shoot("status-" + theme + "-" + width);
    }
}
