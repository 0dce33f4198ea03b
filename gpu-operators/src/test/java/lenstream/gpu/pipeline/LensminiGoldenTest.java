package lenstream.gpu.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.text.OnnxTextEmbedder;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The bundled encoder gives the vectors that its card promises. */
final class LensminiGoldenTest {

    @Test
    void imagesHaveTheirReferenceVectors() throws Exception {
        try (var pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(Lensmini.BUNDLE))) {
            JsonNode images = Lensmini.golden().path("images");
            assertThat(images).hasSize(5);
            for (JsonNode image : images) {
                byte[] bytes = Files.readAllBytes(
                        Lensmini.BUNDLE.resolve(image.path("file").asText()));
                float[] found = pipeline.embedQuery(bytes).embedding();
                var expected = new float[image.path("vector").size()];
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = (float) image.path("vector").get(i).asDouble();
                }
                assertThat(GoldenImages.cosine(found, expected))
                        .as(image.path("file").asText())
                        .isGreaterThanOrEqualTo(image.path("resized").asBoolean() ? 0.999 : 0.99999);
            }
            assertThat(pipeline.parityCosineMin()).isGreaterThanOrEqualTo(0.9999);
        }
    }

    @Test
    void textsHaveTheirReferenceVectors() throws Exception {
        try (var texts = OnnxTextEmbedder.open(ModelBundle.load(Lensmini.BUNDLE), 2)) {
            JsonNode golden = Lensmini.golden().path("texts");
            assertThat(golden).hasSize(10);
            for (JsonNode text : golden) {
                float[] found = texts.embed(text.path("text").asText());
                double squares = 0;
                for (float value : found) {
                    squares += value * value;
                }
                assertThat(squares).isCloseTo(1, Offset.offset(1e-5));
                for (int i = 0; i < text.path("first8").size(); i++) {
                    assertThat(found[i])
                            .as(text.path("text").asText())
                            .isCloseTo((float) text.path("first8").get(i).asDouble(), Offset.offset(0.01f));
                }
            }
        }
    }
}
