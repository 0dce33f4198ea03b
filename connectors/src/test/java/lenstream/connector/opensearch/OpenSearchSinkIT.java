package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.PixelRules;
import lenstream.core.image.PixelSource;
import lenstream.core.image.TextRegion;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The sink in a real job against a real OpenSearch; with faults between them: {@link SinkFaultsIT}. */
@ExtendWith(TestNode.class)
class OpenSearchSinkIT {
    private static final PixelFeatures FEATURES = new PixelFeatures(7L, List.of("red"), "#ff0000");
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final int DIM = 4;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final BulkConfig BULK = new BulkConfig(
            BulkConfig.defaults().bytes(),
            50,
            2,
            Duration.ofMillis(20),
            3,
            Duration.ofMillis(50),
            Duration.ofMillis(500));

    private static final List<TextRegion> WORDS = List.of(new TextRegion("Grand Opening", 0.97f, 10, 20, 300, 40));

    private static int tests;

    private IndexLayout layout = IndexLayout.defaults();
    private OpenSearchConfig config = OpenSearchConfig.at("http://127.0.0.1:1");

    @BeforeEach
    void prepare() {
        layout = IndexLayout.withPrefix("sink" + tests++);
        config = OpenSearchConfig.at(TestNode.url()).withRequestTimeout(Duration.ofSeconds(10));
        try (IndexClient client = IndexClient.open(config)) {
            IndexSetup.prepare(client, layout, FINGERPRINT, DIM, LIMIT);
            IndexSetup.prepare(client, layout, FINGERPRINT, DIM, LIMIT); // twice is as good as once
        }
    }

    @Test
    void writingTwiceLeavesOneDocumentOfEach() throws Exception {
        List<BulkEntry> entries = images(120, 1);
        run(entries);
        run(entries);
        assertThat(images()).isEqualTo(120);
        assertThat(thumbnails()).isEqualTo(120);
    }

    @Test
    void anOlderVersionDoesNotUndoANewerOne() throws Exception {
        run(entries(image(0, 5, "new", unit())));
        run(entries(image(0, 4, "old", unit())));
        assertThat(document(0).path("title").asText()).isEqualTo("new");
        run(entries(image(0, 6, "newest", unit())));
        assertThat(document(0).path("title").asText()).isEqualTo("newest");
    }

    @Test
    void oneBadDocumentBecomesADeadLetterAndTheOthersAreWritten() throws Exception {
        var entries = new ArrayList<>(images(30, 1));
        int third = entries.indexOf(entries.stream()
                .filter(entry -> entry.id().equals(id(2)))
                .findFirst()
                .orElseThrow());
        entries.set(
                third,
                BulkEntry.index(
                        layout.imageIndex(FINGERPRINT), id(2), 1, wrongDimension(2), System.currentTimeMillis()));
        run(entries);
        assertThat(images()).isEqualTo(29);
        JsonNode rejection = get(layout.rejectionIndex(), id(2));
        assertThat(rejection.path("reason").asText()).isEqualTo("REFUSED_BY_INDEX");
        assertThat(rejection.path("detail").asText()).contains("Vector dimension mismatch");
        assertThat(rejection.path("url").asText()).isEqualTo(url(2));
    }

    @Test
    void aDeadLetterThatIsRefusedTooEndsThere() throws Exception {
        byte[] strange = "{\"no_such_field\":1}".getBytes(UTF_8);
        run(List.of(BulkEntry.index(layout.rejectionIndex(), id(1), 1, strange, 0)));
        try (IndexClient client = IndexClient.open(config)) {
            assertThat(IndexCounts.rejections(client, layout)).isZero();
        }
    }

    @Test
    void deletionsRemoveAndRepeatingThemIsHarmless() throws Exception {
        run(images(3, 1));
        BulkEntry delete = BulkEntry.delete(layout.imageIndex(FINGERPRINT), id(1), 2);
        run(List.of(delete));
        run(List.of(delete));
        assertThat(images()).isEqualTo(2);
    }

    @Test
    void wordsInPicturesAreFoundByWordsAndByPartsOfThem() throws Exception {
        run(entries(image(0, 1, "a poster", unit(), WORDS)));
        run(entries(image(1, 1, "a dog", unit())));
        images(); // refreshes
        assertThat(found("ocr", "opening")).containsExactly(id(0));
        assertThat(found("ocr.tri", "penin")).containsExactly(id(0));
        assertThat(found("regions.label", "text")).containsExactly(id(0));
        assertThat(document(0).at("/regions/0/box").toString()).isEqualTo("[10,20,300,40]");
    }

    /** An index of a release that read no words: nothing stops, only parts of words are not found in it. */
    @Test
    void anEarlierIndexTakesTheWordsToo() throws Exception {
        layout = IndexLayout.withPrefix("earlier");
        ObjectNode body = layout.imageIndexBody(FINGERPRINT, DIM);
        ((ObjectNode) body.at("/settings/index")).remove("analysis");
        ((ObjectNode) body.at("/mappings/properties")).remove(List.of("ocr", "regions"));
        try (IndexClient client = IndexClient.open(config)) {
            client.send("DELETE", "/_index_template/" + layout.imageTemplate(), null);
            IndexSetup.create(client, layout.imageIndex(FINGERPRINT), body);
            IndexSetup.prepare(client, layout, FINGERPRINT, DIM, LIMIT);
        }
        run(entries(image(0, 1, "a poster", unit(), WORDS)));
        assertThat(images()).isEqualTo(1);
        assertThat(found("ocr", "opening")).containsExactly(id(0));
        assertThat(found("ocr.tri", "penin")).isEmpty();
    }

    @Test
    void aMissingIndexFailsTheJobWithItsName() {
        layout = IndexLayout.withPrefix("absent");
        assertThatThrownBy(() -> run(images(1, 1))).hasStackTraceContaining("an index is missing");
    }

    @Test
    void anotherDimensionOrEngineIsRefused() {
        try (IndexClient client = IndexClient.open(config)) {
            assertThatThrownBy(() -> IndexSetup.prepare(client, layout, FINGERPRINT, 8, LIMIT))
                    .isInstanceOf(IndexException.class)
                    .hasMessageContaining("holds vectors of 4 values, the encoder makes 8");
            ObjectNode faiss =
                    JsonNodeFactory.instance.objectNode().put("dimension", DIM).put("space_type", "innerproduct");
            faiss.putObject("method").put("engine", "faiss");
            assertThatThrownBy(() -> layout.requireEngine(faiss, "x")).hasMessageContaining("faiss");
            assertThatThrownBy(
                            () -> IndexSetup.prepare(client, layout, new Fingerprint("other-1-11111111"), DIM, LIMIT))
                    .isInstanceOf(IndexException.class)
                    .hasMessageContaining("belongs to another encoder");
        }
    }

    @Test
    void anAbsentServerIsNamedWithTheRemedy() {
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:1"))) {
            assertThatThrownBy(() -> IndexSetup.await(client, Duration.ofMillis(1)))
                    .isInstanceOf(IndexUnavailableException.class)
                    .hasMessageContaining("does not answer at http://127.0.0.1:1: start it with ./lenstream up");
        }
    }

    private void run(List<BulkEntry> entries) throws Exception {
        submit(entries).getJobExecutionResult().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    private JobClient submit(List<BulkEntry> entries) throws Exception {
        var settings = new Configuration();
        settings.setString("pipeline.generic-types", "false");
        settings.setString("execution.checkpointing.interval", "200ms");
        settings.setString("restart-strategy.type", "none");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        env.fromData(TypeInformation.of(BulkEntry.class), entries.toArray(BulkEntry[]::new))
                .sinkTo(new OpenSearchSink(config, layout, BULK))
                .uid("sink");
        return env.executeAsync();
    }

    private List<BulkEntry> images(int count, long version) {
        var entries = new ArrayList<BulkEntry>();
        for (int i = 0; i < count; i++) {
            entries.addAll(entries(image(i, version, "picture " + i, unit())));
        }
        return entries;
    }

    private List<BulkEntry> entries(EmbeddedImage image) {
        return ImageEntries.of(image, layout, FINGERPRINT, PixelRules.NONE, Instant.now());
    }

    private List<String> found(String field, String text) {
        ObjectNode query = JsonNodeFactory.instance.objectNode();
        query.putObject("query").putObject("match").put(field, text);
        try (IndexClient client = IndexClient.open(config)) {
            return client.send("POST", "/" + layout.imageIndex(FINGERPRINT) + "/_search", query)
                    .json()
                    .at("/hits/hits")
                    .findValuesAsText("_id");
        }
    }

    private static EmbeddedImage image(int number, long version, String title, float[] embedding) {
        return image(number, version, title, embedding, List.of());
    }

    private static EmbeddedImage image(
            int number, long version, String title, float[] embedding, List<TextRegion> words) {
        var target = new CrawlTarget(
                url(number),
                "e.test",
                "http://e.test/",
                null,
                title,
                null,
                null,
                null,
                null,
                CrawlTarget.UNKNOWN_TIME,
                System.currentTimeMillis(),
                "page");
        var fetched = new FetchedImage(target, new byte[0], ImageId.sha256(new byte[] {(byte) number}), version)
                .withWords(words);
        return EmbeddedImage.embedded(fetched, "image/jpeg", 4, 3, 1, embedding, new byte[] {1}, FEATURES);
    }

    private static byte[] wrongDimension(int number) {
        EmbeddedImage image = image(number, 1, "bad", new float[] {1, 0, 0, 0});
        return DocumentJson.image(
                image, new float[] {1, 0}, Quantisation.FP32, FINGERPRINT.value(), PixelSource.NONE, Instant.now());
    }

    private static float[] unit() {
        return new float[] {0.6f, 0.8f, 0, 0};
    }

    private static String url(int number) {
        return "http://e.test/" + number + ".jpg";
    }

    private static String id(int number) {
        return ImageId.ofUrl(url(number));
    }

    private long images() {
        try (IndexClient client = IndexClient.open(config)) {
            IndexCounts.refresh(client, layout, FINGERPRINT);
            return IndexCounts.images(client, layout, FINGERPRINT);
        }
    }

    private long thumbnails() {
        try (IndexClient client = IndexClient.open(config)) {
            return IndexCounts.thumbnails(client, layout);
        }
    }

    private JsonNode document(int number) {
        return get(layout.imageIndex(FINGERPRINT), id(number));
    }

    private JsonNode get(String index, String id) {
        try (IndexClient client = IndexClient.open(config)) {
            return client.send("GET", "/" + index + "/_doc/" + id, null).json().path("_source");
        }
    }
}
