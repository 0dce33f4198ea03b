package lenstream.core.model;

import java.util.List;
import lenstream.core.config.Default;
import lenstream.core.config.Key;
import org.jspecify.annotations.Nullable;

/**
 * The image side of an encoder.
 *
 * @param defaultFile the file to run, one of {@code files}; the first if null
 * @param files ONNX exports of the same tower
 * @param opset ONNX opset, for people
 */
public record ImageTower(
        @Key("default") @Nullable String defaultFile,
        List<ModelFile> files,
        @Nullable Integer opset,
        Input input,
        Output output,
        Preprocessing preprocessing) {

    public ImageTower {
        if (files.isEmpty()) {
            throw new IllegalArgumentException("image.files is empty");
        }
        if (defaultFile != null && files.stream().noneMatch(f -> f.file().equals(defaultFile))) {
            throw new IllegalArgumentException("image.default names none of image.files: " + defaultFile);
        }
    }

    /** The file to run. */
    public ModelFile file() {
        return files.stream()
                .filter(f -> defaultFile == null || f.file().equals(defaultFile))
                .findFirst()
                .orElseThrow();
    }

    /**
     * One ONNX file.
     *
     * @param file relative to the bundle
     * @param bytes its length; null if not recorded
     * @param sha256 64 hex digits, checked at load
     * @param weights precision of the weights, for people
     * @param compute precision of the arithmetic, for people
     */
    public record ModelFile(
            String file,
            @Nullable Long bytes,
            String sha256,
            @Nullable String weights,
            @Nullable String compute) {}

    /** The tower's input tensor. {@code type} is {@code float32} or {@code float16}. */
    public record Input(
            String name,
            @Default("float32") String type,
            @Default("NCHW") String layout,
            List<String> shape) {
        public Input {
            if (!layout.equals("NCHW")) {
                throw new IllegalArgumentException("layout must be NCHW, not " + layout);
            }
            requireFloat(type);
        }
    }

    /**
     * The tower's output tensor.
     *
     * @param name of the tensor; if null, {@code outputIndex} says which
     * @param outputIndex position among the outputs, used when {@code name} is null
     */
    public record Output(
            @Nullable String name,
            @Default("0") int outputIndex,
            @Default("float32") String type,
            List<String> shape) {
        public Output {
            requireFloat(type);
        }
    }

    private static void requireFloat(String type) {
        if (!type.equals("float32") && !type.equals("float16")) {
            throw new IllegalArgumentException("type must be float32 or float16, not " + type);
        }
    }
}
