package lenstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LoopbackPorts;
import lenstream.gallery.GallerySite;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Both images, unpacked and entered as a container engine would. */
class ImagesIT {
    private static final Path CHECKOUT = Path.of(System.getProperty("lenstream.root", "../../.."))
            .toAbsolutePath()
            .normalize();
    private static final Path API_ARCHIVE = CHECKOUT.resolve("infra/images/api/target/jib-image.tar");
    private static final Path JOB_ARCHIVE = CHECKOUT.resolve("infra/images/job/target/jib-image.tar");
    private static final Duration START = Duration.ofMinutes(2);
    private static final int PICTURES = 12;
    private static final long MIB = 1 << 20;

    @TempDir
    static Path folder;

    private static UnpackedImage api;
    private static UnpackedImage job;

    private final ObjectMapper json = new ObjectMapper();
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Process> started = new ArrayList<>();

    @BeforeAll
    static void unpackBoth() throws IOException, InterruptedException {
        UnpackedImage.require(API_ARCHIVE);
        UnpackedImage.require(JOB_ARCHIVE);
        api = UnpackedImage.unpack(API_ARCHIVE, folder.resolve("api"));
        job = UnpackedImage.unpack(JOB_ARCHIVE, folder.resolve("job"));
    }

    @AfterEach
    void endWhatWasStarted() throws InterruptedException {
        started.forEach(Process::destroy);
        for (Process process : started) {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void theImagesAreUnprivilegedLabelledAndOfTheSizeThatTheReadmeStates() throws IOException {
        assertThat(api.bytes()).as("API image").isBetween(100 * MIB, 260 * MIB);
        assertThat(job.bytes()).as("job image").isBetween(200 * MIB, 400 * MIB);
        for (UnpackedImage image : List.of(api, job)) {
            assertThat(image.setting("User")).isEqualTo("10001:10001");
            assertThat(image.label("org.opencontainers.image.licenses")).contains("Apache-2.0", "LGPL");
            assertThat(image.label("org.opencontainers.image.title")).startsWith("Lenstream");
            assertThat(image.root().resolve("opt/java/legal/java.base/LICENSE")).exists();
            assertThat(image.root().resolve("usr/share/doc/libc6/copyright")).exists();
            assertThat(image.root().resolve("opt/lenstream/models/lensmini/MODEL_CARD.md"))
                    .exists();
            try (Stream<Path> files = Files.walk(image.root())) {
                assertThat(files.filter(Files::isRegularFile).filter(ImagesIT::setsUserOrGroup))
                        .isEmpty();
            }
        }
    }

    @Test
    void theApiImageEmbedsAndSaysHonestlyThatItHasNoIndex() throws Exception {
        int port = LoopbackPorts.free();
        Process process = startApi(port, "http://127.0.0.1:" + LoopbackPorts.free());

        assertThat(get(port, "/health/ready").statusCode()).isEqualTo(503);
        assertThat(get(port, "/v1/search?q=dog").statusCode()).isEqualTo(503);
        HttpResponse<String> embeddings =
                post(port, "/v1/embeddings", "{\"model\":\"lensmini\",\"input\":[\"a dog\"]}");
        assertThat(embeddings.statusCode()).as(embeddings.body()).isEqualTo(200);
        assertThat(json.readTree(embeddings.body()).at("/data/0/embedding")).hasSize(384);

        process.destroy();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("ends at SIGTERM").isTrue();
    }

    @Test
    void theJobImageCrawlsSitesWhosePicturesTheApiImageFinds() throws Exception {
        var config = LocalOpenSearch.Config.of(
                        CHECKOUT.resolve("infra/opensearch/target/opensearch"), folder.resolve("opensearch"))
                .withQuickStart(true);
        try (GallerySite gallery = GallerySite.open(CHECKOUT.resolve("gallery"), 0, PICTURES, false);
                LocalOpenSearch openSearch = LocalOpenSearch.start(config, line -> {})) {
            Files.writeString(job.root().resolve("etc/lenstream/seeds.yaml"), seeds(gallery.uri()));
            Map<String, String> index =
                    Map.of("OPENSEARCH_URL", openSearch.uri().toString());
            assertThat(job.run(folder.resolve("check.log"), index, List.of("check"), 0))
                    .contains("is accepted, with 1 site(s) and encoder lensmini-1-");

            int rest = LoopbackPorts.free();
            Map<String, String> flink = Map.of(
                    "OPENSEARCH_URL",
                    openSearch.uri().toString(),
                    "JOB_MANAGER_RPC_ADDRESS",
                    "localhost",
                    "FLINK_PROPERTIES",
                    flinkProperties(rest));
            started.add(job.start(folder.resolve("jobmanager.log"), flink, List.of("standalone-job")));
            started.add(job.start(folder.resolve("taskmanager.log"), flink, List.of("taskmanager")));
            JsonNode overview = await(
                    "a running job on one TaskManager",
                    START,
                    () -> ok(rest, "/overview"),
                    answer -> answer.path("taskmanagers").asInt() == 1
                            && answer.path("jobs-running").asInt() == 1);
            assertThat(overview.path("flink-version").asText()).startsWith("2.3");

            int port = LoopbackPorts.free();
            startApi(port, openSearch.uri().toString());
            JsonNode ready = await(
                    PICTURES + " pictures in the index",
                    START,
                    () -> ok(port, "/health/ready"),
                    answer -> answer.path("documents").asInt() >= PICTURES);
            assertThat(ready.path("documents").asInt()).isEqualTo(PICTURES);
            JsonNode found =
                    json.readTree(get(port, "/v1/search?q=an%20animal&k=5").body());
            assertThat(found.path("hits")).hasSize(5);
            assertThat(found.at("/hits/0/url").asText())
                    .startsWith(gallery.uri().toString());
        }
    }

    @Test
    void theJobImageExplainsItselfAndRefusesAWrongConfigurationWithEveryProblem() throws Exception {
        assertThat(job.run(folder.resolve("help.log"), Map.of(), List.of("help"), 0))
                .contains("standalone-job", "taskmanager", "check --config");
        assertThat(job.run(folder.resolve("word.log"), Map.of(), List.of("taskmanger"), 2))
                .contains("unknown: taskmanger");
        Files.writeString(job.root().resolve("tmp/wrong.yaml"), """
                seeds: /etc/lenstream/seeds.yaml
                bundel: /opt/lenstream/models/lensmini
                open_search: {urls: ["http://127.0.0.1:9200"]}
                embed: {batch_rows: none}
                """);
        assertThat(job.run(folder.resolve("wrong.log"), Map.of(), List.of("check", "--config", "/tmp/wrong.yaml"), 1))
                .contains("bundel", "bundle", "embed.batch_rows");
    }

    private Process startApi(int port, String openSearch) throws Exception {
        Path log = folder.resolve("api-" + port + ".log");
        Process process = api.start(
                log,
                Map.of(
                        "LENSTREAM_PORT",
                        Integer.toString(port),
                        "LENSTREAM_HOST",
                        "127.0.0.1",
                        "OPENSEARCH_URL",
                        openSearch),
                api.words("Cmd"));
        started.add(process);
        await("the API to live", START, () -> ok(port, "/health/live"), answer -> true);
        return process;
    }

    private static String seeds(URI site) {
        return """
                sites: [{url: "%s", interval: 1h}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 0, contact: "https://example.org/bot"}
                """.formatted(site);
    }

    /** Free ports, loopback only, and as little memory as the job needs. */
    private static String flinkProperties(int rest) {
        return """
                rest.port: %d
                rest.bind-address: 127.0.0.1
                rest.address: localhost
                jobmanager.rpc.port: %d
                jobmanager.bind-host: 127.0.0.1
                jobmanager.memory.process.size: 900m
                taskmanager.host: localhost
                taskmanager.bind-host: 127.0.0.1
                taskmanager.memory.process.size: 1600m
                """.formatted(rest, LoopbackPorts.free());
    }

    private interface Question {
        @Nullable
        JsonNode ask() throws Exception;
    }

    private interface Condition {
        boolean holds(JsonNode answer);
    }

    /** Asks again and again, within the limit; a started process that ends is a failure at once. */
    private JsonNode await(String what, Duration limit, Question question, Condition condition) throws Exception {
        long deadline = System.nanoTime() + limit.toNanos();
        JsonNode last = null;
        while (System.nanoTime() < deadline) {
            last = question.ask();
            if (last != null && condition.holds(last)) {
                return last;
            }
            assertThat(started)
                    .as("nothing ended while waiting for %s: %s", what, logs())
                    .allMatch(Process::isAlive);
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new AssertionError("no " + what + " within " + limit.toSeconds() + " s, but " + last + "\n" + logs());
    }

    private static String logs() throws IOException {
        var text = new StringBuilder();
        try (var files = Files.newDirectoryStream(folder, "*.log")) {
            for (Path file : files) {
                List<String> lines = Files.readAllLines(file);
                text.append(file.getFileName()).append(":\n  ");
                text.append(String.join("\n  ", lines.subList(Math.max(0, lines.size() - 25), lines.size())));
                text.append('\n');
            }
        }
        return text.toString();
    }

    /** The JSON of a 200 answer, or null while there is none. */
    private @Nullable JsonNode ok(int port, String path) throws InterruptedException, IOException {
        HttpResponse<String> answer;
        try {
            answer = get(port, path);
        } catch (IOException notYet) {
            return null;
        }
        return answer.statusCode() == 200 ? json.readTree(answer.body()) : null;
    }

    private HttpResponse<String> get(int port, String path) throws IOException, InterruptedException {
        return http.send(request(port, path).GET().build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> post(int port, String path, String body) throws IOException, InterruptedException {
        return http.send(
                request(port, path)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private static HttpRequest.Builder request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(20));
    }

    private static boolean setsUserOrGroup(Path file) {
        try {
            return ((int) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 06000) != 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
