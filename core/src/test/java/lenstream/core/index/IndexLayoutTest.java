package lenstream.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import lenstream.core.model.Fingerprint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
        var mapping = new IndexLayout("lenstream", "faiss", 16, 128, 1, 0, "1s")
                .imageIndexBody(SPACE, 8)
                .at("/mappings/properties/embedding");
        assertThatThrownBy(() -> IndexLayout.defaults().requireEngine(mapping, "images"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("engine \"faiss\", this program expects \"lucene\"");
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
