package lenstream.search.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lenstream.core.config.ConfigException;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.text.TextEmbedder;

/** The reference vectors of texts that a bundle has. */
final class GoldenTexts {
    /** What the bundled int8 tower differs by between processors, by its model card. */
    private static final double MOST_DIFFERENCE = 0.01;

    private GoldenTexts() {}

    /** @throws ConfigException if a text comes out as of another encoder */
    static void check(ModelBundle bundle, TextEmbedder texts) {
        Optional<Path> file = bundle.golden();
        if (file.isEmpty()) {
            return;
        }
        JsonNode golden;
        try {
            golden = new ObjectMapper().readTree(file.get().toFile()).path("texts");
        } catch (IOException e) {
            throw new ConfigException(file.get().toString(), List.of("cannot be read: " + e.getMessage()));
        }
        for (JsonNode text : golden) {
            float[] found = texts.embed(text.path("text").asText());
            JsonNode expected = text.has("vector") ? text.path("vector") : text.path("first8");
            for (int i = 0; i < expected.size(); i++) {
                if (!(Math.abs(found[i] - expected.get(i).asDouble()) <= MOST_DIFFERENCE)) {
                    throw new ConfigException(
                            "encoder",
                            List.of("the golden text \"" + text.path("text").asText()
                                    + "\" comes out as of another encoder than " + bundle.fingerprint()
                                    + ": name the bundle's text tower with text_model"));
                }
            }
        }
    }
}
