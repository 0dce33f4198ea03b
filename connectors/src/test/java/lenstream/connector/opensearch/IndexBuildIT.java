package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.index.BulkLoad;
import lenstream.core.index.Cosine;
import lenstream.core.index.DeadLetters;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the layout asks for, as a real server builds it. */
@ExtendWith(TestNode.class)
class IndexBuildIT {
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int DIM = 32;
    private static final AtomicInteger TESTS = new AtomicInteger();

    private final IndexLayout layout = IndexLayout.withPrefix("build-" + TESTS.getAndIncrement());
    private final String index = layout.imageIndex(FINGERPRINT);
    private final IndexClient client = IndexClient.open(OpenSearchConfig.at(TestNode.url()));

    @AfterEach
    void close() {
        client.close();
    }

    /** Also that the server survives it: the wrong store ends it at the first query of a binary index. */
    @ParameterizedTest
    @EnumSource
    void everyLevelAnswersWithTheCosineOfTheEmbeddings(Quantisation level) {
        prepare(layout.withQuantisation(level));
        assertThat(IndexSetup.quantisation(client, layout.readAlias())).isEqualTo(level);
        var random = new Random(5);
        var vectors = new float[300][];
        var bulk = new StringBuilder();
        for (int i = 0; i < vectors.length; i++) {
            vectors[i] = unit(random);
            bulk.append("{\"index\":{\"_index\":\"" + index + "\",\"_id\":\"" + i + "\"}}\n{\"id\":\"" + i
                    + "\",\"embedding\":" + level.written(vectors[i]) + "}\n");
        }
        JsonNode written = client.sendAsync(
                        "POST", "/_bulk?refresh=true", bulk.toString().getBytes(UTF_8), "application/x-ndjson")
                .join()
                .json();
        assertThat(written.path("errors").asBoolean()).as(written.toString()).isFalse();
        double tolerance = level == Quantisation.BYTE ? 0.01 : 1e-4;
        JsonNode hits = search(level.knn(vectors[17], 10));
        assertThat(hits).hasSize(10);
        assertThat(hits.get(0).path("_id").asText()).isEqualTo("17");
        for (JsonNode hit : hits) {
            double cosine = Cosine.dot(vectors[17], vectors[hit.path("_id").asInt()]);
            assertThat(level.cosine(hit.path("_score").asDouble())).isCloseTo(cosine, within(tolerance));
            assertThat(level.read(hit.at("/_source/embedding"))[0])
                    .isCloseTo(vectors[hit.path("_id").asInt()][0], within(0.01f));
        }
        ObjectNode exact = JsonNodeFactory.instance.objectNode().put("size", 10);
        exact.set("query", level.exact(vectors[17]));
        for (JsonNode hit : hits(exact)) {
            double cosine = Cosine.dot(vectors[17], vectors[hit.path("_id").asInt()]);
            double score = hit.path("_score").asDouble();
            assertThat(level.exactCosine(score)).isCloseTo(cosine, within(tolerance));
            assertThat(level.exactScore(level.exactCosine(score))).isCloseTo(score, within(1e-9));
        }
        assertThat(search(level.radial(vectors[17], 0.99, 10))
                        .get(0)
                        .path("_id")
                        .asText())
                .isEqualTo("17");
    }

    /** A move to another encoder writes to both indices alike. */
    @Test
    void theIndexOfTheNextEncoderKeepsItsVectorsTheSameWay() {
        prepare(layout.withQuantisation(Quantisation.BYTE));
        var next = new Fingerprint("next-1-00000000");
        IndexSetup.prepareBeside(client, layout, next, DIM, FINGERPRINT);
        assertThat(IndexSetup.quantisation(client, layout.imageIndex(next))).isEqualTo(Quantisation.BYTE);
    }

    @Test
    void anIndexThatWasBuiltOtherwiseIsRefused() {
        prepare(layout);
        prepare(layout);
        assertThatThrownBy(() -> prepare(layout.withGraph(32, 128)))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining("built with m 16, this program expects 32");
        assertThatThrownBy(() -> prepare(layout.withQuantisation(Quantisation.X4)))
                .hasMessageContaining("built with quantisation fp32, this program expects 4x");
    }

    @Test
    void aLibraryThatIsNotThereIsNotTried() {
        assertThatThrownBy(() -> prepare(layout.withEngine("faiss")))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining("take engine lucene");
        prepare(layout.withEngine("auto"));
        assertThat(mapping().at("/properties/embedding/method/engine").asText()).isEqualTo("lucene");
        assertThat(setting("knn.remote_index_build.enabled")).isEmpty();
    }

    @Test
    void anIndexMadeByHandTakesNoEmbeddings() {
        prepare(layout);
        String byHand = layout.prefix() + "-images-by-hand";
        assertThat(client.send("PUT", "/" + byHand, null).ok()).isTrue();
        ObjectNode document = JsonNodeFactory.instance.objectNode().put(Field.ID, "a");
        document.putArray(Field.EMBEDDING).add(1);
        IndexAnswer answer = client.send("PUT", "/" + byHand + "/_doc/a", document);
        assertThat(answer.errorType()).isEqualTo("strict_dynamic_mapping_exception");
    }

    @Test
    void aBulkLoadThatACrashCutsShortIsPutBackAtTheNextStart() {
        prepare(layout);
        prepare(layout.withBulkLoad(true));
        assertThat(setting("refresh_interval")).isEqualTo("300ms");
        assertThat(setting("knn.advanced.approximate_threshold")).isEqualTo("-1");
        assertThat(BulkLoad.isUnderWay(client, layout, FINGERPRINT)).isTrue();
        prepare(layout.withBulkLoad(true)); // the same load goes on
        prepare(layout);
        assertThat(setting("refresh_interval")).isEqualTo("1s");
        assertThat(setting("merge.policy.segments_per_tier")).isEmpty();
        assertThat(setting("knn.advanced.approximate_threshold")).isEmpty();
        assertThat(BulkLoad.isUnderWay(client, layout, FINGERPRINT)).isFalse();
        assertThat(mapping().at("/_meta/fingerprint").asText())
                .as("what else the index says of itself stays")
                .isEqualTo(FINGERPRINT.value());
    }

    @Test
    void aBulkLoadShowsEverythingAtItsEndInOneSegment() {
        prepare(layout.withBulkLoad(true));
        for (int i = 0; i < 5; i++) {
            ObjectNode document = JsonNodeFactory.instance.objectNode().put(Field.ID, Integer.toString(i));
            document.set(Field.EMBEDDING, Quantisation.FP32.written(unit(new Random(i))));
            assertThat(client.send("PUT", "/" + index + "/_doc/" + i, document).ok())
                    .isTrue();
            assertThat(client.send("POST", "/" + index + "/_flush?force=true", null)
                            .ok())
                    .isTrue();
        }
        assertThat(segments()).as("while it is filled").isGreaterThan(1);
        assertThat(BulkLoad.end(client, layout, FINGERPRINT, LIMIT)).isTrue();
        assertThat(count()).isEqualTo(5);
        assertThat(segments()).isEqualTo(1);
    }

    @Test
    void deadLettersAreChosenByReasonAndNeverForEver() {
        prepare(layout);
        reject(0, Stage.FETCH, Reason.TIMEOUT);
        reject(1, Stage.DECODE, Reason.CORRUPT);
        reject(2, Stage.INDEX, Reason.REFUSED_BY_INDEX);
        client.send("POST", "/" + layout.rejectionIndex() + "/_refresh", null);
        var deadLetters = new DeadLetters(client, layout);
        DeadLetters.Choice plain = new DeadLetters.Choice(Set.of(), Set.of(), Instant.EPOCH, 2);
        assertThat(deadLetters.find(plain, 10).letters())
                .extracting(DeadLetters.Letter::reason)
                .as("only what may pass by itself")
                .containsExactly(Reason.TIMEOUT);
        var named = new DeadLetters.Choice(
                Set.of(Reason.CORRUPT, Reason.REFUSED_BY_INDEX), Set.of(Stage.INDEX), Instant.EPOCH, 2);
        assertThat(deadLetters.find(named, 10).letters())
                .extracting(letter -> letter.target().url())
                .containsExactly("http://e.test/2.jpg");
        assertThat(deadLetters
                        .find(
                                new DeadLetters.Choice(
                                        Set.of(), Set.of(), Instant.now().plusSeconds(60), 2),
                                10)
                        .letters())
                .isEmpty();
        for (int replay = 0; replay < 2; replay++) {
            List<DeadLetters.Letter> letters = deadLetters.find(plain, 10).letters();
            assertThat(letters).extracting(DeadLetters.Letter::replays).containsExactly(replay);
            deadLetters.note(letters, Instant.now());
            assertThat(deadLetters.stillRejected(letters).values()).containsExactly("TIMEOUT");
        }
        assertThat(deadLetters.find(plain, 10).letters()).isEmpty();
        assertThat(deadLetters.find(plain, 10).exhausted()).isEqualTo(1);
    }

    private void reject(int number, Stage stage, Reason reason) {
        String url = "http://e.test/" + number + ".jpg";
        var target = new CrawlTarget(
                url, "e.test", "http://e.test/", null, "a title", null, null, null, null, -1, 7, "page");
        ObjectNode document;
        try {
            document = (ObjectNode) new ObjectMapper()
                    .readTree(DocumentJson.rejection(new Rejection(target, stage, reason, "why", 1_000)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(client.send("PUT", "/" + layout.rejectionIndex() + "/_doc/" + target.id(), document)
                        .ok())
                .isTrue();
    }

    private void prepare(IndexLayout wanted) {
        IndexSetup.prepare(client, wanted, FINGERPRINT, DIM, LIMIT);
    }

    private JsonNode search(ObjectNode knn) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 10);
        body.putObject("query").putObject("knn").set(Field.EMBEDDING, knn);
        return hits(body);
    }

    private JsonNode hits(ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", body);
        assertThat(answer.ok()).as(answer.text()).isTrue();
        return answer.json().at("/hits/hits");
    }

    private int segments() {
        return client.send("GET", "/" + index + "/_stats/segments", null)
                .json()
                .at("/_all/primaries/segments/count")
                .asInt();
    }

    private long count() {
        return client.send("GET", "/" + index + "/_count", null)
                .json()
                .path("count")
                .asLong();
    }

    private JsonNode mapping() {
        return client.send("GET", "/" + index + "/_mapping", null)
                .json()
                .path(index)
                .path("mappings");
    }

    private String setting(String name) {
        return client.send("GET", "/" + index + "/_settings?flat_settings=true", null)
                .json()
                .path(index)
                .path("settings")
                .path("index." + name)
                .asText("");
    }

    private static float[] unit(Random random) {
        var vector = new float[DIM];
        double sum = 0;
        for (int i = 0; i < DIM; i++) {
            vector[i] = (float) random.nextGaussian();
            sum += vector[i] * vector[i];
        }
        for (int i = 0; i < DIM; i++) {
            vector[i] /= (float) Math.sqrt(sum);
        }
        return vector;
    }
}
