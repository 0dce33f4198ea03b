package lenstream.connector.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.FetchProbe;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.FileSystems;
import lenstream.connector.source.TestServer;
import lenstream.connector.warc.WarcFile;
import lenstream.connector.warc.WarcSource;
import lenstream.core.config.ConfigException;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.WebConfig;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Objects of a real S3 server, through Flink's own file system. */
@Timeout(60)
class ObjectStoreIT {
    private static final String BUCKET = "s3://pictures";
    private static final byte[] JPEG = {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1, 2, 3};

    private static TestServer s3;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed in stop()
    static void start() throws Exception {
        s3 = TestServer.s3();
        FileSystems.load(
                TestServer.PLUGINS,
                Map.of(
                        "AWS_ACCESS_KEY_ID", "user",
                        "AWS_SECRET_ACCESS_KEY", "secret",
                        "AWS_REGION", "us-east-1",
                        "AWS_ENDPOINT_URL_S3", "http://" + s3.address()));
        request("PUT", "", new byte[0]);
    }

    @AfterAll
    static void stop() throws IOException {
        s3.close();
        FileSystems.load(TestServer.PLUGINS, Map.of());
    }

    @Test
    void newAndChangedObjectsAreFoundWhileTheJobRuns() throws Exception {
        put("all/a.jpg", JPEG);
        put("all/2024/b c.png", JPEG);
        put("all/2024/raw", JPEG);
        put("all/notes.txt", JPEG);
        put("all/.hidden.jpg", JPEG);
        put("other/d.jpg", JPEG);
        var env = StreamExecutionEnvironment.createLocalEnvironment(1);
        var targets = env.fromSource(
                FolderSource.ofPlaces(List.of(BUCKET + "/all")).following(Duration.ofMillis(200)),
                WatermarkStrategy.noWatermarks(),
                "objects",
                TypeInformation.of(CrawlTarget.class));
        try (var found = targets.executeAndCollect()) {
            List<CrawlTarget> round = List.of(found.next(), found.next(), found.next());
            assertThat(round)
                    .extracting(CrawlTarget::url)
                    .containsExactly(BUCKET + "/all/2024/b%20c.png", BUCKET + "/all/2024/raw", BUCKET + "/all/a.jpg");
            assertThat(round).allSatisfy(target -> {
                assertThat(target.host()).isEqualTo(BUCKET);
                assertThat(target.mark()).startsWith(JPEG.length + "-");
                assertThat(target.publishedAtMillis()).isPositive();
            });
            put("all/new.webp", JPEG);
            CrawlTarget next = found.next();
            while (!next.url().endsWith("new.webp")) {
                next = found.next();
            }
            put("all/a.jpg", new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 9});
            while (!(next.url().endsWith("a.jpg") && String.valueOf(next.mark()).startsWith("4-"))) {
                next = found.next();
            }
            delete("all/2024/b c.png");
            while (next.mark() != null) {
                next = found.next();
            }
            assertThat(next.url()).isEqualTo(BUCKET + "/all/2024/b%20c.png");
        }
    }

    @Test
    void anObjectIsReadOnceAndMissedWhenItIsGone() throws Exception {
        put("read/a b.jpg", JPEG);
        Tree tree = new ObjectTree(BUCKET + "/read");
        Tree.Entry entry = tree.list(tree.root()).getFirst();
        FetchProbe fetch = new FetchProbe(FetchConfig.defaults());
        assertThat(fetch.read(entry.url(), null)).isEqualTo("Fetched " + JPEG.length + " " + tree.mark(entry));
        assertThat(fetch.read(entry.url(), tree.mark(entry))).isEqualTo("Unchanged");
        delete("read/a b.jpg");
        assertThat(fetch.read(entry.url(), tree.mark(entry))).isEqualTo("Gone NOT_FOUND");
        assertThat(tree.list(tree.root())).isEmpty();
    }

    @Test
    void archivesBelowAPrefixAreReadInParallelAndNewOnesWhileTheJobRuns() throws Exception {
        for (String site : List.of("one", "two")) {
            put("crawl/" + site + ".warc.gz", archive(site));
        }
        put("crawl/readme.txt", JPEG);
        var env = StreamExecutionEnvironment.createLocalEnvironment(2);
        WarcSource source =
                WarcSource.of(List.of(BUCKET + "/crawl"), WebConfig.defaults()).following(Duration.ofMillis(200));
        assertThat(source.count()).isEqualTo(2);
        var arrivals =
                env.fromSource(source, WatermarkStrategy.noWatermarks(), "archives", TypeInformation.of(Arrival.class));
        try (var found = arrivals.executeAndCollect()) {
            assertThat(List.of(url(found.next()), url(found.next())))
                    .containsExactlyInAnyOrder("https://one.example/a.jpg", "https://two.example/a.jpg");
            put("crawl/three.warc.gz", archive("three"));
            assertThat(url(found.next())).isEqualTo("https://three.example/a.jpg");
        }
    }

    @Test
    void whatIsMissingIsSaidWithTheRemedy() {
        assertThatThrownBy(() -> FolderSource.ofPlaces(List.of("gs://bucket/prefix")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("./lenstream add gs");
        assertThatThrownBy(() -> FolderSource.ofPlaces(List.of("s3://no-such-bucket/prefix")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no-such-bucket/prefix cannot be listed: The specified bucket does not exist");
    }

    private static byte[] archive(String site) throws IOException {
        return new WarcFile()
                .response("https://" + site + ".example/a.jpg", "image/jpeg", JPEG)
                .bytes();
    }

    private static String url(Arrival arrival) {
        return Objects.requireNonNull(arrival.image()).target().url();
    }

    /** As another program does it. */
    private static void put(String key, byte[] bytes) throws IOException {
        request("PUT", "/" + key, bytes);
    }

    private static void delete(String key) throws IOException {
        request("DELETE", "/" + key, null);
    }

    private static void request(String method, String key, byte @Nullable [] body) throws IOException {
        URI uri = URI.create("http://" + s3.address() + "/pictures" + key.replace(" ", "%20"));
        var connection = (HttpURLConnection) uri.toURL().openConnection();
        connection.setRequestMethod(method);
        if (body != null) {
            connection.setDoOutput(true);
            connection.getOutputStream().write(body);
        }
        assertThat(connection.getResponseCode()).as(method + " " + key).isBetween(200, 204);
        connection.disconnect();
    }
}
