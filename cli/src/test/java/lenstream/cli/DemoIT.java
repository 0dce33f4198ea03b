package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lenstream.core.index.Cosine;
import lenstream.core.index.Field;
import lenstream.core.index.IndexLayout;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LoopbackPorts;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** {@code ./lenstream demo} as a newcomer runs it, asked by words, by pictures and from the notebook. */
@TestInstance(Lifecycle.PER_CLASS)
class DemoIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path WORK = Path.of("target/it/demo").toAbsolutePath();

    /** Measured 0.555 with the bundled encoder on this gallery; chance is 0.03. See README.md. */
    private static final double LABELS_IN_TOP_10 = 0.52;

    private final int port = LoopbackPorts.free();
    private LauncherProcess demo;
    private ApiClient api;
    private URI site;
    private List<Picture> pictures;

    @BeforeAll
    void start() throws InterruptedException, IOException {
        delete(WORK);
        demo = LauncherProcess.start(WORK, "demo", "--port", Integer.toString(port), "--data", WORK + "/data");
        demo.awaitError("Ctrl-C stops everything", Duration.ofMinutes(3));
        api = new ApiClient(LocalServices.localUri(port));
        int galleryPort = Integer.parseInt(Files.readString(WORK.resolve("data/gallery.port")));
        site = URI.create("http://127.0.0.1:" + galleryPort + "/");
        try (GallerySite twin = GallerySite.open(LauncherProcess.ROOT.resolve("gallery"), 0)) {
            pictures = twin.pictures();
        }
    }

    @AfterAll
    void ctrlCStopsEverythingThatTheDemoStarted() throws InterruptedException {
        long openSearch = LocalOpenSearch.attach(WORK.resolve("data/opensearch"))
                .orElseThrow()
                .pid();
        api.close();
        demo.interrupt();
        int code = demo.await(Duration.ofSeconds(60));
        demo.close();
        assertThat(code).as("128 + SIGINT").isIn(0, 130);
        assertThat(ProcessHandle.of(openSearch).filter(ProcessHandle::isAlive)).isEmpty();
        assertThat(LoopbackPorts.isFree(port)).isTrue();
    }

    @Test
    void everyImageOfTheGalleryIsIndexedOrRejectedForItsReason() throws IOException {
        try (var oracle = oracle();
                GallerySite twin = GallerySite.open(LauncherProcess.ROOT.resolve("gallery"), 0)) {
            oracle.assertHolds(IndexOracle.hashes(site, pictures), site, twin.hostile());
        }
    }

    @Test
    void labelsFindTheirPicturesAndNonsenseFindsNothing() throws InterruptedException, IOException {
        String gallery = LauncherProcess.ROOT.resolve("gallery").toString();
        List<String> absent = Files.readAllLines(Path.of(gallery, "absent.txt"));
        Path some = Files.write(
                WORK.resolve("absent.txt"),
                IntStream.iterate(0, i -> i < absent.size(), i -> i + 5)
                        .mapToObj(absent::get)
                        .toList());
        try (var eval = LauncherProcess.start(
                WORK,
                "eval",
                gallery,
                "--labels",
                gallery + "/manifest.tsv",
                "--negatives",
                some.toString(),
                "--text-only",
                "--json",
                "--url",
                LocalServices.localUri(port) + "")) {
            assertThat(eval.await(Duration.ofSeconds(90))).isZero();
            JsonNode report = JSON.readTree(eval.out());
            System.out.println("eval of the gallery through the API: " + report);
            assertThat(report.path("own_image").asDouble()).isGreaterThan(LABELS_IN_TOP_10);
            JsonNode nothing = report.path("nothing");
            assertThat(nothing.path("found_denied").asDouble()
                            / nothing.path("found").asDouble())
                    .as("labels that find their picture and are said to match nothing, one in ten by the calibration")
                    .isLessThan(0.15);
            assertThat(nothing.path("recall").asDouble())
                    .as("measured 0.58: nonsense, and what the encoder knows to be absent")
                    .isGreaterThan(0.45);
        }
    }

    @Test
    void theIndexAgreesWithExactSearch() throws InterruptedException {
        Map<String, float[]> vectors = new LinkedHashMap<>();
        try (var oracle = oracle()) {
            oracle.all(IndexLayout.defaults().imageIndex(IndexOracle.fingerprint()), List.of(Field.ID, Field.EMBEDDING))
                    .forEach(doc -> vectors.put(doc.path(Field.ID).asText(), floats(doc.path(Field.EMBEDDING))));
        }
        int agreed = 0;
        int asked = 0;
        try (TextEmbedder text = OnnxTextEmbedder.open(IndexOracle.BUNDLE, 1)) {
            for (Picture picture : pictures.subList(0, 100)) {
                float[] query = text.embed(picture.label());
                Set<String> exact = vectors.entrySet().stream()
                        .sorted(Comparator.comparingDouble(e -> -Cosine.dot(query, e.getValue())))
                        .limit(10)
                        .map(Map.Entry::getKey)
                        .collect(Collectors.toSet());
                JsonNode body = JSON.createObjectNode()
                        .put("text", picture.label())
                        .put("k", 10)
                        .put("collapse", false);
                for (JsonNode hit : api.search(body).path("hits")) {
                    agreed += exact.contains(hit.path("id").asText()) ? 1 : 0;
                }
                asked += 10;
            }
        }
        double recall = (double) agreed / asked;
        System.out.printf(Locale.ROOT, "recall@10 against exact search: %.4f%n", recall);
        assertThat(recall).isGreaterThanOrEqualTo(0.99);
    }

    @Test
    void theStatusShowsTheRunningJob() throws InterruptedException {
        JsonNode status = api.call("GET", "/v1/status", null);
        assertThat(status.path("problems")).isEmpty();
        JsonNode job = status.at("/jobs/0");
        assertThat(job.path("state").asText()).isEqualTo("RUNNING");
        assertThat(job.at("/metrics/lenstream_images_written").asLong()).isPositive();
        assertThat(job.path("stages")).isNotEmpty();
        assertThat(status.at("/index/images").asLong()).isPositive();
        assertThat(status.at("/rejections/reasons")).isNotEmpty();
    }

    @Test
    void aPictureFindsItself() throws InterruptedException {
        Path file =
                LauncherProcess.ROOT.resolve("gallery").resolve(pictures.get(7).file());
        try (var search = LauncherProcess.start(
                WORK,
                "search",
                "--image",
                file.toString(),
                "-k",
                "3",
                "--json",
                "--api",
                LocalServices.localUri(port) + "")) {
            assertThat(search.await(Duration.ofSeconds(30))).isZero();
            JsonNode answer = JSON.readTree(search.out());
            assertThat(answer.at("/hits/0/url").asText())
                    .isEqualTo(site.resolve(pictures.get(7).path()).toString());
            assertThat(answer.at("/hits/0/cosine").asDouble()).isGreaterThan(0.999);
            assertThat(answer.path("fingerprint").asText())
                    .isEqualTo(IndexOracle.fingerprint().value());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void explainTellsAnImagesWayAndStatusHowLongItTook() throws IOException, InterruptedException {
        String url = site.resolve(pictures.get(3).path()).toString();
        String data = WORK.resolve("data").toString();
        try (var explain = LauncherProcess.start(WORK, "explain", url, "--json", "--data", data)) {
            assertThat(explain.await(Duration.ofSeconds(30))).isZero();
            JsonNode told = JSON.readTree(explain.out());
            assertThat(told.path("verdict").asText()).isEqualTo("indexed");
            assertThat(told.path("events"))
                    .extracting(event -> event.path("what").asText())
                    .contains("discovered", "robots", "new", "embedded", "indexed");
            assertThat(told.path("next_visit").asText()).isNotEmpty();
        }
        try (var status = LauncherProcess.start(WORK, "status", "--json", "--data", data)) {
            assertThat(status.await(Duration.ofSeconds(30))).isZero();
            JsonNode rows = JSON.readTree(status.out()).path("freshness");
            assertThat(rows)
                    .extracting(row -> row.path("stage").asText())
                    .contains("discovered_to_searchable", "indexed_to_searchable");
            assertThat(rows)
                    .allMatch(row ->
                            row.path("p50_ms").asLong() <= row.path("p99_ms").asLong());
        }
    }

    @Test
    void theNotebookRunsAgainstTheDemo() throws IOException, InterruptedException {
        Path root = LauncherProcess.ROOT.resolve("notebooks");
        Path venv = WORK.resolveSibling("venv");
        if (!Files.exists(venv.resolve("ready"))) {
            run(Map.of(), "python3", "-m", "venv", venv.toString());
            run(
                    Map.of(),
                    venv + "/bin/pip",
                    "install",
                    "-q",
                    "-r",
                    root.resolve("requirements.txt").toString());
            Files.createFile(venv.resolve("ready"));
        }
        String said = run(
                Map.of("LENSTREAM_API", LocalServices.localUri(port).toString()),
                venv + "/bin/python",
                root.resolve("run.py").toString(),
                root.resolve("search.ipynb").toString(),
                WORK.resolve("search.executed.ipynb").toString());
        assertThat(said).contains("every cell ran, 4 figures");
    }

    @MustBeClosed
    private IndexOracle oracle() {
        String url = LocalOpenSearch.attach(WORK.resolve("data/opensearch"))
                .orElseThrow()
                .uri()
                .toString();
        return new IndexOracle(url, IndexLayout.defaults());
    }

    private static float[] floats(JsonNode array) {
        var values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    private static String run(Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile(WORK, "command", ".out");
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        if (!ended) {
            process.destroyForcibly();
        }
        String said = Files.readString(out);
        assertThat(ended && process.exitValue() == 0)
                .as(String.join(" ", command) + " said:\n" + said)
                .isTrue();
        return said;
    }

    static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (var files = Files.walk(folder)) {
                for (Path file :
                        new ArrayList<>(files.sorted(Comparator.reverseOrder()).toList())) {
                    Files.delete(file);
                }
            }
        }
    }
}
