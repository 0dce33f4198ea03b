package lenstream.gpu.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.config.ConfigException;
import lenstream.core.model.ModelBundle;

/** The reference images of a bundle with their expected vectors. */
final class GoldenImages {
    /** Below it vectors are not of the same space: leaving antialiasing out gives 0.94. */
    static final double LOWEST_COSINE = 0.999;

    private GoldenImages() {}

    /**
     * @param bytes encoded image
     * @param vector what the reference made of it
     */
    record Golden(String file, byte[] bytes, float[] vector) {}

    /** The golden images; empty if the bundle has none. */
    static List<Golden> read(ModelBundle bundle) {
        Optional<Path> file = bundle.golden();
        if (file.isEmpty()) {
            return List.of();
        }
        try {
            var images = new ArrayList<Golden>();
            for (JsonNode image :
                    new ObjectMapper().readTree(file.get().toFile()).path("images")) {
                JsonNode values = image.path("vector");
                var vector = new float[values.size()];
                for (int i = 0; i < vector.length; i++) {
                    vector[i] = (float) values.get(i).asDouble();
                }
                String name = image.path("file").asText();
                images.add(
                        new Golden(name, Files.readAllBytes(bundle.directory().resolve(name)), vector));
            }
            return images;
        } catch (IOException e) {
            throw new ConfigException(file.get().toString(), List.of("cannot be read: " + e.getMessage()));
        }
    }

    static double cosine(float[] a, float[] b) {
        if (a.length != b.length) {
            return 0;
        }
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(aa * bb);
    }
}
