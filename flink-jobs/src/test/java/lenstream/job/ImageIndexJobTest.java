package lenstream.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.GZIPOutputStream;
import lenstream.connector.command.CommandSource;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.SeedsFile;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.store.ImageStore;
import lenstream.connector.store.StoreConfig;
import lenstream.connector.warc.WarcSource;
import lenstream.core.config.ConfigReader;
import lenstream.core.image.ImageId;
import lenstream.core.image.StoredImage;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.web.WebConfig;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.InjectClusterRESTAddress;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The very topology that runs in production, with a real site and the real encoder, on a mini cluster. */
class ImageIndexJobTest {
    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .setConfiguration(JobSettings.fastMetrics())
            .build());

    private static final Path ROOT = Path.of(System.getProperty("lenstream.root"));
    private static final Path BUNDLE = ROOT.resolve("models/lensmini");
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("mini");
    private static final Queue<BulkEntry> WRITTEN = new ConcurrentLinkedQueue<>();

    @TempDir
    Path folder;

    @BeforeEach
    void empty() {
        WRITTEN.clear();
    }

    @Test
    void everyPictureBecomesADocumentAndTheNextRunKnowsThemAll(@InjectClusterRESTAddress URI rest) throws Exception {
        Fingerprint fingerprint = ModelBundle.load(BUNDLE).fingerprint();
        try (GallerySite site = GallerySite.open(ROOT.resolve("gallery"), 0, 40, false)) {
            CrawlRun.End first = run(site, rest, "");
            assertThat(first.counts().embedded()).isEqualTo(40);
            assertThat(documents(LAYOUT.imageIndex(fingerprint)))
                    .containsExactlyInAnyOrderElementsOf(ids(site, site.published()));
            assertThat(documents(LAYOUT.thumbnailIndex())).hasSize(40);

            empty();
            List<Picture> added = site.publish(3);
            CrawlRun.End second =
                    run(site, rest, first.savepoint().orElseThrow().toString());
            assertThat(documents(LAYOUT.imageIndex(fingerprint)))
                    .as("only what is new is written again")
                    .containsExactlyInAnyOrderElementsOf(ids(site, added));
            assertThat(second.counts().unchanged()).isEqualTo(40);
            assertThat(stored())
                    .as("every fetched image is kept once, over the restart")
                    .containsExactlyInAnyOrderElementsOf(ids(site, site.published()));
        }
    }

    @Test
    void aHostileImageIsADeadLetterAndCostsNoNeighbour(@InjectClusterRESTAddress URI rest)
            throws IOException, InterruptedException {
        Fingerprint fingerprint = ModelBundle.load(BUNDLE).fingerprint();
        try (GallerySite site = GallerySite.open(ROOT.resolve("gallery"), 0, 10, true)) {
            run(site, rest, "");
            long indexed = site.hostile().stream().filter(one -> one.indexed()).count();
            assertThat(documents(LAYOUT.imageIndex(fingerprint))).hasSize((int) (10 + indexed));
            assertThat(documents(LAYOUT.rejectionIndex()))
                    .contains(site.hostile().stream()
                            .filter(one -> !one.indexed())
                            .map(one ->
                                    ImageId.ofUrl(site.uri().resolve(one.path()).toString()))
                            .toArray(String[]::new));
        }
    }

    @Test
    void anArchiveGivesItsImagesAndThoseThatItsPagesNameAndIsReadOnce(@InjectClusterRESTAddress URI rest)
            throws Exception {
        String index = LAYOUT.imageIndex(ModelBundle.load(BUNDLE).fingerprint());
        try (GallerySite site = GallerySite.open(ROOT.resolve("gallery"), 0, 2, false)) {
            List<Picture> pictures = site.published();
            byte[] jpeg;
            try (var in = site.uriOf(pictures.getFirst()).toURL().openStream()) {
                jpeg = in.readAllBytes();
            }
            URI living = site.uriOf(pictures.getLast());
            Path file = folder.resolve("crawl.warc.gz");
            try (var out = Files.newOutputStream(file)) {
                out.write(record("https://archived.example/old.jpg", "image/jpeg", jpeg));
                byte[] page = ("<img src=\"" + living + "\" alt=living>").getBytes(StandardCharsets.UTF_8);
                out.write(record("https://archived.example/", "text/html", page));
            }
            WarcSource source = WarcSource.of(List.of(file.toString()), WebConfig.defaults())
                    .fetchingLinked();
            CrawlRun.End first = run(Intake.ofArrivals(source), seeds(site), rest, "");
            String old = ImageId.ofUrl("https://archived.example/old.jpg");
            assertThat(documents(index)).containsExactlyInAnyOrder(old, ImageId.ofUrl(living.toString()));
            assertThat(WRITTEN)
                    .filteredOn(entry -> entry.id().equals(old) && entry.index().equals(index))
                    .extracting(BulkEntry::version)
                    .containsExactly(Instant.parse("2024-03-05T06:07:08Z").toEpochMilli());
            assertThat(stored()).contains(old);

            empty();
            run(
                    Intake.ofArrivals(source),
                    seeds(site),
                    rest,
                    first.savepoint().orElseThrow().toString());
            assertThat(documents(index)).isEmpty();
        }
    }

    @Test
    void theWordsOfAPictureComeIntoItsDocument(@InjectClusterRESTAddress URI rest) throws Exception {
        String index = LAYOUT.imageIndex(ModelBundle.load(BUNDLE).fingerprint());
        Path file = folder.resolve("words.warc.gz");
        try (var out = Files.newOutputStream(file)) {
            for (String picture : List.of("household/tools/toolbox.webp", "household/tools/wrench.jpg")) {
                byte[] bytes = Files.readAllBytes(ROOT.resolve("gallery/images").resolve(picture));
                out.write(record("https://archived.example/" + picture, "image/webp", bytes));
            }
            out.write(
                    record("https://archived.example/broken.jpg", "image/jpeg", new byte[] {(byte) 0xFF, (byte) 0xD8}));
        }
        Intake intake = Intake.ofArrivals(WarcSource.of(List.of(file.toString()), WebConfig.defaults()));
        OcrConfig ocr = OcrConfig.of(ROOT.resolve("gpu-operators/target/ocr"), 2);
        run(intake, Seeds.ofUrls(List.of("https://archived.example/")), rest, "", ocr);

        var words = new HashMap<String, JsonNode>();
        for (BulkEntry entry : WRITTEN) {
            if (entry.op() == BulkEntry.Op.INDEX && entry.index().equals(index)) {
                JsonNode document = new ObjectMapper().readTree(requireNonNull(entry.json()));
                words.put(document.path("url").asText(), document);
            }
        }
        assertThat(words).hasSize(2);
        JsonNode toolbox = requireNonNull(words.get("https://archived.example/household/tools/toolbox.webp"));
        assertThat(toolbox.path("ocr").asText()).isEqualTo("TOOLS");
        JsonNode region = toolbox.at("/regions/0");
        assertThat(region.path("label").asText()).isEqualTo("text");
        assertThat(region.path("text").asText()).isEqualTo("TOOLS");
        assertThat(region.path("score").asDouble()).isBetween(0.9, 1.0);
        assertThat(region.path("box")).hasSize(4);
        JsonNode wrench = requireNonNull(words.get("https://archived.example/household/tools/wrench.jpg"));
        assertThat(wrench.has("ocr") || wrench.has("regions")).isFalse();
        assertThat(documents(LAYOUT.rejectionIndex())).hasSize(1);
    }

    private static byte[] record(String url, String type, byte[] body) throws IOException {
        byte[] http = ("HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(("WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:" + UUID.randomUUID()
                            + ">\r\nWARC-Target-URI: " + url + "\r\nWARC-Date: 2024-03-05T06:07:08Z\r\nContent-Type: "
                            + "application/http; msgtype=response\r\nContent-Length: " + (http.length + body.length)
                            + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.write(http);
            out.write(body);
            out.write("\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        return bytes.toByteArray();
    }

    private CrawlRun.End run(GallerySite site, URI rest, String savepoint) throws InterruptedException {
        Seeds seeds = seeds(site);
        return run(Intake.of(FrontierSource.once(seeds)), seeds, rest, savepoint);
    }

    private static Seeds seeds(GallerySite site) {
        return Seeds.of("test", ConfigReader.parse("test", """
                        sites: [{url: "%s"}]
                        network: {allow_private: ["127.0.0.0/8"], min_delay: 0s, contact: "https://lenstream.example/test"}
                        limits: {timeout: 1s, attempts: 1}
                        """.formatted(site.uri()), SeedsFile.class));
    }

    private CrawlRun.End run(Intake intake, Seeds seeds, URI rest, String savepoint) throws InterruptedException {
        return run(intake, seeds, rest, savepoint, null);
    }

    private CrawlRun.End run(Intake intake, Seeds seeds, URI rest, String savepoint, @Nullable OcrConfig ocr)
            throws InterruptedException {
        var configuration = JobSettings.named("mini").configuration();
        JobSettings.startFrom(configuration, savepoint);
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.configure(configuration);
        env.setParallelism(1);
        ImageIndexJob.define(
                env,
                new JobParts(
                        intake,
                        new CommandSource(
                                OpenSearchConfig.at("http://127.0.0.1:1"), LAYOUT), // nobody there: the job waits
                        new CollectingSink(),
                        seeds.fetch(),
                        EmbedConfig.defaults(BUNDLE),
                        LAYOUT,
                        1,
                        StoreConfig.at(storeUri()),
                        null,
                        ocr));
        JobClient job;
        try {
            job = env.executeAsync("mini");
        } catch (Exception e) {
            throw JobFailedException.rootOf(e);
        }
        try (var run = new CrawlRun(
                job,
                rest,
                intake.submittedAtMillis(),
                JobSettings.flinkPath(folder.resolve("sävepoints of it")),
                counts -> {},
                () -> {})) {
            return run.await(false);
        }
    }

    private String storeUri() {
        return JobSettings.flinkPath(folder.resolve("störe of it"));
    }

    /** Ids of what the image store holds, files in progress too: the job's stop does not finish them. */
    private List<String> stored() throws Exception {
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        var ids = new ArrayList<String>();
        try (CloseableIterator<StoredImage> rows = env.fromSource(
                        ImageStore.source(storeUri()), WatermarkStrategy.noWatermarks(), "store")
                .executeAndCollect()) {
            rows.forEachRemaining(image -> ids.add(image.id()));
        }
        return ids;
    }

    private static List<String> documents(String index) {
        return WRITTEN.stream()
                .filter(entry ->
                        entry.op() == BulkEntry.Op.INDEX && entry.index().equals(index))
                .map(BulkEntry::id)
                .toList();
    }

    private static List<String> ids(GallerySite site, List<Picture> pictures) {
        return pictures.stream()
                .map(picture -> ImageId.ofUrl(site.uriOf(picture).toString()))
                .toList();
    }

    /** Keeps what it is given where the test sees it: tasks of a mini cluster run in this JVM. */
    private static final class CollectingSink implements Sink<BulkEntry> {
        private static final long serialVersionUID = 1;

        @Override
        public SinkWriter<BulkEntry> createWriter(WriterInitContext context) {
            return new SinkWriter<>() {
                @Override
                public void write(BulkEntry entry, Context when) {
                    WRITTEN.add(entry);
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() {}
            };
        }
    }
}
