package lenstream.gpu.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Exports shaped like CLIP (shortest, bicubic, clip-bpe, end token), SigLIP (squash, sentencepiece, mask, pooled, output by
 * index) and MobileCLIP (shortest, bilinear, float16, int32 tokens) give the vectors that Python's ONNX Runtime gives over
 * Pillow's pixels and the reference tokenizers' ids. See {@code golden/make_bundles.py}.
 */
final class BundleFamiliesGoldenTest {
    private static final Path BUNDLES =
            Path.of("src/test/resources/golden/bundles").toAbsolutePath();

    private static JsonNode golden(String bundle) throws IOException {
        return new ObjectMapper()
                .readTree(BUNDLES.resolve(bundle).resolve("golden.json").toFile());
    }

    private static float[] vector(JsonNode node) {
        var vector = new float[node.size()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) node.get(i).asDouble();
        }
        return vector;
    }

    @ParameterizedTest
    @CsvSource({"tiny-clip,0.99999", "tiny-siglip,0.99999", "tiny-mobileclip,0.9999"})
    void imagesHaveTheirReferenceVectors(String name, double lowest) throws Exception {
        try (var pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(BUNDLES.resolve(name)))) {
            assertThat(pipeline.parityCosineMin()).isGreaterThan(lowest);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-clip", "tiny-siglip", "tiny-mobileclip"})
    void textsHaveTheirReferenceVectors(String name) throws Exception {
        try (var embedder = OnnxTextEmbedder.open(ModelBundle.load(BUNDLES.resolve(name)), 1)) {
            var texts = new ArrayList<String>();
            for (JsonNode text : golden(name).path("texts")) {
                texts.add(text.path("text").asText());
                float[] found = embedder.embed(text.path("text").asText());
                assertThat(GoldenImages.cosine(found, vector(text.path("vector"))))
                        .as(text.path("text").asText())
                        .isCloseTo(1, Offset.offset(1e-6));
                assertThat(embedder.tokens(text.path("text").asText()))
                        .isEqualTo(text.path("ids").size());
            }
            checkTogether(embedder, texts);
        }
    }

    /** Texts embedded together come out as texts embedded alone. */
    private static void checkTogether(TextEmbedder embedder, List<String> texts) {
        List<float[]> together = embedder.embed(texts);
        for (int i = 0; i < texts.size(); i++) {
            assertThat(GoldenImages.cosine(together.get(i), embedder.embed(texts.get(i))))
                    .isCloseTo(1, Offset.offset(1e-6));
        }
    }

    @Test
    void aBlankTextIsRefused() {
        try (var embedder = OnnxTextEmbedder.open(ModelBundle.load(BUNDLES.resolve("tiny-clip")), 1)) {
            assertThatThrownBy(() -> embedder.embed(" \n"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("blank");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "tiny-siglip,squash,shortest",
        "tiny-clip,shortest,squash",
        "tiny-clip,bicubic,nearest",
        "tiny-mobileclip,bilinear,nearest"
    })
    void wrongPreprocessingRefusesToStart(String name, String right, String wrong, @TempDir Path temp)
            throws IOException {
        Path source = BUNDLES.resolve(name);
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path copy = temp.resolve(source.relativize(file).toString());
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            }
        }
        Path encoder = temp.resolve("encoder.json");
        String json = Files.readString(encoder, StandardCharsets.UTF_8)
                .replace("\"" + right + "\"", "\"" + wrong + "\"")
                .replace("\"crop\": \"none\"", "\"crop\": \"center\"");
        Files.writeString(encoder, json);
        assertThatThrownBy(() -> open(temp)).isInstanceOf(ParityException.class);
    }

    @SuppressWarnings("MustBeClosed") // it does not open
    private static void open(Path bundle) {
        EmbeddingPipeline.open(PipelineConfig.defaults(bundle)).close();
    }
}
