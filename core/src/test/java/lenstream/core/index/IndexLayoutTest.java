package lenstream.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Random;
import lenstream.core.model.Fingerprint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class IndexLayoutTest {
    private static final Fingerprint SPACE = new Fingerprint("lensmini-1-3f9ac2d1");

    @Test
    void theFingerprintIsPartOfTheIndexName() {
        assertThat(IndexLayout.withPrefix("news").imageIndex(SPACE)).isEqualTo("news-images-lensmini-1-3f9ac2d1");
    }

    @Test
    void theMappingNamesItsEngineAndSpace() {
        var body = IndexLayout.defaults().imageIndexBody(SPACE, 384);
        var embedding = body.at("/mappings/properties/embedding");
        assertThat(embedding.at("/method/engine").asText()).isEqualTo("lucene");
        assertThat(embedding.at("/dimension").asInt()).isEqualTo(384);
        assertThat(embedding.at("/space_type").asText()).isEqualTo("innerproduct");
        assertThat(body.at("/mappings/dynamic").asText()).isEqualTo("strict");
        assertThat(body.at("/mappings/_meta/fingerprint").asText()).isEqualTo(SPACE.value());
    }

    @Test
    void aMappingWithAnotherEngineIsRefused() {
        var mapping = IndexLayout.defaults()
                .withEngine("faiss")
                .imageIndexBody(SPACE, 8)
                .at("/mappings/properties/embedding");
        assertThatThrownBy(() -> IndexLayout.defaults().requireEngine(mapping, "images"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("engine \"faiss\", this program expects \"lucene\"");
    }

    @Test
    void whatIsBuiltOtherwiseIsRefusedWithTheRemedy() {
        IndexLayout layout = IndexLayout.defaults();
        JsonNode built = layout.imageIndexBody(SPACE, 8).at("/mappings/properties/embedding");
        layout.requireSame(built, 1, "images");
        layout.requireSame(built, 7, "images"); // shards by size: what is there is right
        assertThatThrownBy(() -> layout.withGraph(32, 128).requireSame(built, 1, "images"))
                .hasMessageContaining("built with m 16, this program expects 32")
                .hasMessageContaining("reembed");
        assertThatThrownBy(() -> layout.withQuantisation(Quantisation.X4).requireSame(built, 1, "images"))
                .hasMessageContaining("built with quantisation fp32, this program expects 4x");
        assertThatThrownBy(() -> layout.withShards(2, 1, 0).requireSame(built, 1, "images"))
                .hasMessageContaining("shards 1, this program expects 2");
    }

    @ParameterizedTest
    @EnumSource
    void anIndexSaysHowItKeepsItsVectors(Quantisation level) {
        JsonNode mapping = IndexLayout.defaults()
                .withQuantisation(level)
                .imageIndexBody(SPACE, 8)
                .at("/mappings/properties/embedding");
        assertThat(Quantisation.of(mapping)).isEqualTo(level);
    }

    /** OpenSearch 3.6 ends at the first query otherwise. */
    @Test
    void aBinaryLuceneIndexIsNotMemoryMapped() {
        String type = "/settings/index/store.type";
        IndexLayout binary = IndexLayout.defaults().withQuantisation(Quantisation.X32);
        assertThat(binary.imageIndexBody(SPACE, 8).at(type).asText()).isEqualTo("niofs");
        assertThat(binary.withEngine("faiss").imageIndexBody(SPACE, 8).at(type).isMissingNode())
                .isTrue();
        assertThat(IndexLayout.defaults().imageIndexBody(SPACE, 8).at(type).isMissingNode())
                .isTrue();
    }

    @Test
    void aLevelThatTheEngineLacksIsRefused() {
        assertThatThrownBy(() ->
                        IndexLayout.defaults().withQuantisation(Quantisation.X4).withEngine("faiss"))
                .hasMessageContaining("engine faiss does not offer quantisation 4x");
        assertThatThrownBy(() -> IndexLayout.defaults().withEngine("faiss").withQuantisation(Quantisation.BYTE))
                .hasMessageContaining("engine faiss does not offer quantisation byte");
    }

    /** 30 GiB a shard: 768 floats, links and words are some 5 KiB an image. */
    @Test
    void shardsFollowFromTheExpectedSize() {
        IndexLayout layout = IndexLayout.defaults();
        assertThat(layout.primaryShards(384)).isEqualTo(1);
        assertThat(layout.withShards(0, 100_000_000, 0).primaryShards(768)).isEqualTo(17);
        assertThat(layout.withShards(0, 100_000_000, 0)
                        .withQuantisation(Quantisation.BYTE)
                        .primaryShards(768))
                .isEqualTo(10);
        assertThat(layout.withShards(3, 100_000_000, 0).primaryShards(768)).isEqualTo(3);
    }

    @Test
    void theTemplateIsStrictAndHasNoVectors() {
        JsonNode template = IndexLayout.withPrefix("news").imageTemplateBody();
        assertThat(template.at("/index_patterns/0").asText()).isEqualTo("news-images-*");
        assertThat(template.at("/template/mappings/dynamic").asText()).isEqualTo("strict");
        assertThat(template.at("/template/mappings/properties").has("embedding"))
                .isFalse();
        assertThat(template.at("/template/mappings/properties").has("url")).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void aQueryIsAskedTheWayTheIndexIsKept(Quantisation level) {
        JsonNode knn = level.knn(new float[] {0.6f, -0.8f}, 300);
        assertThat(knn.path("k").asInt()).isEqualTo(300);
        assertThat(knn.at("/method_parameters/ef_search").asInt()).isEqualTo(300);
        boolean coded = level == Quantisation.X4 || level == Quantisation.X32;
        assertThat(knn.has("rescore")).as("codes are rescored with the floats").isEqualTo(coded);
        assertThat(knn.at("/vector/0").isIntegralNumber()).isEqualTo(level == Quantisation.BYTE);
        float[] read = level.read(level.written(new float[] {0.6f, -0.8f}));
        assertThat(read[0]).isCloseTo(0.6f, within(0.004f));
        assertThat(read[1]).isCloseTo(-0.8f, within(0.004f));
    }

    /** A byte index compares directions, the others take products of unit vectors. */
    @Test
    void theScoreOfBytesIsACosineToo() {
        assertThat(Quantisation.BYTE.cosine(0.75)).isCloseTo(0.5, within(1e-9));
        assertThat(Quantisation.BYTE.cosine(0.375)).isCloseTo(-0.25, within(1e-9));
        assertThat(Quantisation.X4.cosine(1.25)).isCloseTo(0.25, within(1e-9));
    }

    /** Without the rotation a value that stands out, as encoders have them, would leave few steps for the others. */
    @Test
    void bytesKeepTheDirectionWhateverDimensionsStandOut() {
        var random = new Random(3);
        for (int outlier : new int[] {0, 20}) {
            var vector = new float[384];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (float) random.nextGaussian() * (i == 7 ? 1 + outlier : 1);
            }
            float length = (float) Math.sqrt(Cosine.dot(vector, vector));
            for (int i = 0; i < vector.length; i++) {
                vector[i] /= length;
            }
            float[] read = Quantisation.BYTE.read(Quantisation.BYTE.written(vector));
            assertThat(Cosine.dot(vector, read)).isGreaterThan(1 - 6e-5);
        }
        assertThat(Quantisation.BYTE.values(new float[4])).as("a zero vector").containsOnly(0);
    }

    @Test
    void fourTimesSmallerCutsNoValueOff() {
        JsonNode parameters = IndexLayout.defaults()
                .withQuantisation(Quantisation.X4)
                .imageIndexBody(SPACE, 8)
                .at("/mappings/properties/embedding/method/parameters");
        assertThat(parameters.at("/encoder/parameters/confidence_interval").asDouble())
                .isEqualTo(1);
        assertThat(parameters.at("/m").asInt()).isEqualTo(16);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1, -0.3606, 0, 0.2664, 0.504, 1})
    void scoresConvertBackToTheirCosine(double cosine) {
        assertThat(Cosine.ofScore(Cosine.toScore(cosine))).isCloseTo(cosine, within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Lens", "", "-a", "a_b", "a*"})
    void aPrefixThatNoIndexMayHaveIsRefused(String prefix) {
        assertThatThrownBy(() -> IndexLayout.withPrefix(prefix)).hasMessageContaining("prefix must be of a-z");
    }
}
