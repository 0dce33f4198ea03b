package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.image.ImageId;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LoopbackPorts;
import lenstream.core.takedown.TakedownSubject;
import lenstream.gallery.GallerySite;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** {@code up --cluster}, {@code index}, {@code search}, {@code crawl --cluster}, {@code status}, {@code down}, in this order. */
@TestInstance(Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ServicesIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path WORK = Path.of("target/it/services").toAbsolutePath();
    private static final Path GALLERY = LauncherProcess.ROOT.resolve("gallery");

    private static Map<String, String> environment = Map.of();

    private final int port = LoopbackPorts.free();
    private @Nullable S3Server s3;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed in down()
    void up() throws IOException, InterruptedException {
        DemoIT.delete(WORK);
        if (Boolean.getBoolean("lenstream.faults")) {
            s3 = S3Server.start(WORK.resolve("s3"));
            environment = s3.environment();
        }
        assertThat(lenstream("up", "--cluster", "--task-managers", "2", "--port", Integer.toString(port)))
                .contains("search API", "Flink");
    }

    @AfterAll
    void down() throws InterruptedException {
        assertThat(lenstream("down")).contains("stopped search API", "stopped Flink", "stopped OpenSearch");
        assertThat(lenstream("status")).containsPattern("opensearch +not running");
        if (s3 != null) {
            s3.close();
        }
        assertThat(LoopbackPorts.isFree(port)).isTrue();
    }

    @Test
    @Order(1)
    void aFolderIsIndexedOnceAndUnchangedTheSecondTime() throws IOException, InterruptedException {
        String pictures = WORK + "/pictures";
        Path folder = Files.createDirectories(Path.of(pictures, "below"));
        List<Path> originals;
        try (var files = Files.walk(GALLERY.resolve("images/food"))) {
            originals = files.filter(Files::isRegularFile).sorted().limit(6).toList();
        }
        for (Path original : originals) {
            Files.copy(original, folder.resolve(original.getFileName()));
        }
        Files.writeString(folder.resolve("broken.jpg"), "no image");
        Files.writeString(folder.resolve("taken.jpg"), "no image");
        Files.writeString(
                WORK.resolve("captions.tsv"),
                "below/" + originals.getFirst().getFileName() + "\tmy very own caption\n");

        JsonNode first = JSON.readTree(lenstream(
                "index", pictures, "--captions", WORK.resolve("captions.tsv").toString(), "--json"));
        assertThat(first.path("indexed").asInt()).isEqualTo(originals.size());
        assertThat(first.path("rejected").asInt()).isEqualTo(2);
        assertThat(first.at("/rejections/NOT_AN_IMAGE").asInt()).isEqualTo(2);

        JsonNode second = JSON.readTree(lenstream("index", pictures, "--json"));
        assertThat(second.path("indexed").asInt()).isZero();
        assertThat(second.path("unchanged").asInt())
                .as("the broken files are unchanged too")
                .isEqualTo(originals.size() + 2);
        assertThat(second.path("documents").asInt()).isEqualTo(originals.size());

        JsonNode again = JSON.readTree(lenstream(
                "index", pictures, "--captions", WORK.resolve("captions.tsv").toString(), "--again", "--json"));
        assertThat(again.path("indexed").asInt()).isEqualTo(originals.size());
        assertThat(again.path("unchanged").asInt()).isZero();
        assertThat(again.path("documents").asInt()).isEqualTo(originals.size());
        try (var jobs = Files.list(WORK.resolve("data/jobs"))) {
            assertThat(jobs)
                    .extracting(Path::getFileName)
                    .noneMatch(name -> name.toString().startsWith("again"));
        }
    }

    @Test
    @Order(2)
    void aSearchFromTheTerminalFindsTheFolder() throws IOException, InterruptedException {
        JsonNode answer = JSON.readTree(lenstream("search", "something to eat", "-k", "3", "--json"));
        assertThat(answer.path("hits")).hasSize(3);
        assertThat(answer.at("/hits/0/url").asText()).startsWith("file:///");
    }

    @Test
    @Order(2)
    void aJobThatIsInterruptedWhileItStartsEndsSoon() throws InterruptedException {
        try (LauncherProcess index = LauncherProcess.start(WORK, "index", WORK + "/pictures")) {
            index.awaitFile(WORK.resolve(".lenstream/jobs/index/rest"), Duration.ofMinutes(3));
            index.interrupt();
            index.await(Duration.ofSeconds(90));
            assertThat(index.err()).doesNotContain("did not stop cleanly");
        }
    }

    @Test
    @Order(3)
    void aRejectedImageIsIndexedByAReplayAfterItWasMended() throws IOException, InterruptedException {
        Path broken = WORK.resolve("pictures/below/broken.jpg");
        JsonNode left = JSON.readTree(lenstream("replay", "--dry-run", "--json"));
        assertThat(left.path("chosen").asInt())
                .as("no image is ever again unless named")
                .isZero();

        String[] replay = {"replay", "--reason", "not_an_image", "--stage", "decode", "--since", "1h", "--json"};
        JsonNode inVain = JSON.readTree(lenstream(replay));
        assertThat(inVain.path("chosen").asInt()).isEqualTo(2);
        assertThat(inVain.at("/rejected_again/NOT_AN_IMAGE").asInt()).isEqualTo(2);

        Path guitar = GALLERY.resolve("images/hobbies/music/string/guitar-classical.jpg");
        String alert = JSON.readTree(lenstream(
                        "alert", "add", "a guitar", "--image", guitar.toString(), "--min-score", "0.5", "--json"))
                .path("id")
                .asText();
        Files.copy(guitar, broken, StandardCopyOption.REPLACE_EXISTING);
        Path taken = WORK.resolve("pictures/below/taken.jpg");
        Files.copy(guitar, taken, StandardCopyOption.REPLACE_EXISTING);
        TakedownSubject subject = TakedownSubject.parse(taken.toUri().toString());
        try (IndexClient client = client()) { // accepted by a server that was killed before it removed anything
            new CommandLog(client, IndexLayout.defaults())
                    .append(Command.of(
                            subject.id(), Command.Kind.TAKEDOWN, subject.text(), null, System.currentTimeMillis()));
        }
        JsonNode mended = JSON.readTree(lenstream(replay));
        assertThat(mended.path("chosen").asInt()).isEqualTo(2);
        assertThat(mended.path("no_longer_rejected").asInt())
                .as("one is indexed, of the other nothing is left")
                .isEqualTo(2);
        try (IndexClient client = client()) {
            String index = IndexLayout.defaults().imageIndex(IndexOracle.fingerprint());
            assertThat(client.send("GET", "/" + index + "/_doc/" + ImageId.ofUrl(subject.text()), null)
                            .status())
                    .as("a replay does not bring back what is taken down")
                    .isEqualTo(404);
        }
        assertThat(lenstream("search", "a classical guitar", "-k", "1", "--json"))
                .contains("broken.jpg");
        assertThat(lenstream("alert", "matches", alert))
                .as("a job that ends compares with what was saved before it began")
                .contains("broken.jpg")
                .hasLineCount(1);
        assertThat(lenstream("alert", "show", alert)).contains("a guitar", "matches 1");
        assertThat(lenstream("alert", "list")).contains(alert);
        assertThat(lenstream("alert", "remove", alert)).contains("removed " + alert);
        JsonNode again = JSON.readTree(lenstream(replay));
        assertThat(again.path("chosen").asInt()).as("nothing is left").isZero();
    }

    /** One of two TaskManagers is killed outright while it crawls, and the other one takes over. */
    @Test
    @Order(4)
    void theSameJobRunsOnAStandaloneCluster() throws Exception {
        String status = lenstream("status", "--json");
        String flink = JSON.readTree(status).path("flink").asText();
        String openSearch = JSON.readTree(status).path("opensearch").asText();
        try (GallerySite site = GallerySite.open(GALLERY, 0, 40, false);
                var oracle = new IndexOracle(openSearch, IndexLayout.withPrefix("cluster"))) {
            Path seeds = Files.writeString(WORK.resolve("seeds.yaml"), """
                sites: [{url: "%s"}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 100ms, contact: "https://lenstream.example/test"}
                """.formatted(site.uri()));
            try (var crawl = start(
                    "crawl",
                    seeds.toString(),
                    "--cluster",
                    flink.replace("http://", ""),
                    "--prefix",
                    "cluster",
                    "--parallelism",
                    "2")) {
                while (sent(site).size() < 10) {
                    assertThat(crawl.isAlive()).as(crawl.err()).isTrue();
                    TimeUnit.MILLISECONDS.sleep(20);
                }
                killATaskManager();
                assertThat(crawl.await(Duration.ofMinutes(2))).as(crawl.err()).isZero();
                oracle.assertHolds(IndexOracle.hashes(site.uri(), site.published()), site.uri(), site.hostile());
                assertThat(sent(site).values())
                        .as("sent once more at most")
                        .allSatisfy(times -> assertThat(times).isLessThanOrEqualTo(2));
            }
        }
    }

    private static void killATaskManager() {
        LocalFlinkCluster cluster =
                LocalFlinkCluster.attach(WORK.resolve("data/flink")).orElseThrow();
        assertThat(cluster.taskManagerPids()).hasSize(2);
        ProcessHandle victim =
                ProcessHandle.of(cluster.taskManagerPids().getFirst()).orElseThrow();
        assertThat(victim.destroyForcibly()).isTrue();
        victim.onExit().orTimeout(20, TimeUnit.SECONDS).join();
    }

    private static Map<String, Long> sent(GallerySite site) {
        return site.requests().stream()
                .filter(request -> request.status() == 200 && request.path().startsWith("/images/"))
                .collect(Collectors.groupingBy(GallerySite.Request::path, Collectors.counting()));
    }

    /** The way of the crawl above, with another source. */
    @Test
    @Order(5)
    @EnabledIfSystemProperty(
            named = "lenstream.faults",
            matches = "true",
            disabledReason = "half a minute beside other tests; runs with those of the cluster's faults")
    void aFolderIsIndexedOnTheClusterToo() throws IOException, InterruptedException {
        String flink =
                JSON.readTree(lenstream("status", "--json")).path("flink").asText();
        JsonNode counts = JSON.readTree(lenstream(
                "index",
                WORK + "/pictures",
                "--cluster",
                flink.replace("http://", ""),
                "--prefix",
                "clusterfolder",
                "--json"));
        assertThat(counts.path("indexed").asInt()).isEqualTo(8);
        assertThat(counts.path("documents").asInt()).isEqualTo(8);
    }

    /** The cluster has the store's file system and its credentials from the environment of {@code up}. */
    @Test
    @Order(5)
    @EnabledIfSystemProperty(
            named = "lenstream.faults",
            matches = "true",
            disabledReason = "a minute beside other tests; runs with those of the cluster's faults")
    void anObjectStoreAndItsArchivesAreIndexedOnTheCluster() throws IOException, InterruptedException {
        S3Server store = Objects.requireNonNull(s3);
        String flink = JSON.readTree(lenstream("status", "--json"))
                .path("flink")
                .asText()
                .replace("http://", "");
        List<Path> pictures;
        try (Stream<Path> files = Files.walk(GALLERY.resolve("images"))) {
            pictures = files.filter(file -> file.toString().endsWith(".jpg"))
                    .sorted()
                    .limit(12)
                    .toList();
        }
        store.put("/pictures", new byte[0]);
        var archive = new ByteArrayOutputStream();
        for (int i = 0; i < pictures.size(); i++) {
            byte[] picture = Files.readAllBytes(pictures.get(i));
            if (i < 7) {
                store.put("/pictures/album/" + i + ".jpg", picture);
            } else {
                archive.write(warcRecord("https://archived.example/" + i + ".jpg", picture));
            }
        }
        store.put("/pictures/archives/one.warc.gz", archive.toByteArray());
        JsonNode album = JSON.readTree(
                lenstream("index", "s3://pictures/album", "--cluster", flink, "--prefix", "clusterstore", "--json"));
        assertThat(album.path("indexed").asInt()).isEqualTo(7);
        JsonNode archived = JSON.readTree(lenstream(
                "index", "--warc", "s3://pictures/archives", "--cluster", flink, "--prefix", "clusterstore", "--json"));
        assertThat(archived.path("indexed").asInt()).isEqualTo(5);
        assertThat(archived.path("documents").asInt()).isEqualTo(12);
    }

    private static byte[] warcRecord(String url, byte[] picture) throws IOException {
        byte[] head = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(("WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: " + url
                            + "\r\nWARC-Record-ID: <urn:uuid:" + UUID.randomUUID()
                            + ">\r\nContent-Type: application/http;"
                            + " msgtype=response\r\nContent-Length: " + (head.length + picture.length) + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            gzip.write(head);
            gzip.write(picture);
            gzip.write("\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        return bytes.toByteArray();
    }

    @Test
    @Order(6)
    void theDoctorIsContentWithARunningInstallation() throws InterruptedException {
        assertThat(lenstream("doctor"))
                .contains(
                        "ok    search API",
                        "ok    OpenSearch",
                        "ok    index",
                        "golden images agree",
                        "scores are calibrated");
    }

    @MustBeClosed
    private static IndexClient client() throws IOException, InterruptedException {
        return IndexClient.open(OpenSearchConfig.at(
                JSON.readTree(lenstream("status", "--json")).path("opensearch").asText()));
    }

    private static String lenstream(String... arguments) throws InterruptedException {
        try (var process = start(arguments)) {
            int code = process.await(Duration.ofMinutes(2));
            assertThat(code)
                    .as(String.join(" ", arguments) + "\n" + process.out() + process.err())
                    .isZero();
            return process.out();
        }
    }

    private static LauncherProcess start(String... arguments) {
        var all = new ArrayList<>(Arrays.asList(arguments));
        all.add("--data");
        all.add(WORK + "/data");
        return LauncherProcess.start(WORK, environment, all.toArray(String[]::new));
    }
}
