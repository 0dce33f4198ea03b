package lenstream.search;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import lenstream.search.http.Deadline;
import lenstream.search.http.ProblemException;

/**
 * The encoder as two models of the Open Inference Protocol: {@code <encoder>-text} takes {@code BYTES} of UTF-8, {@code
 * <encoder>-image} takes {@code BYTES} of encoded images or preprocessed {@code FP32} tensors {@code [n, 3, size, size]};
 * both answer {@code FP32} {@code [n, dim]} of unit length. Thread-safe.
 */
final class InferenceModels {
    static final String VERSION = "1";
    static final String OUTPUT = "embedding";
    static final String PLATFORM = "onnx_onnxv1";

    /** An hour; the server's own limit is shorter. */
    private static final long MOST_MICROS = 3_600_000_000L;

    private final QueryEncoder encoder;
    private final QueryEmbedding embedding;

    InferenceModels(QueryEncoder encoder, QueryEmbedding embedding) {
        this.encoder = encoder;
        this.embedding = embedding;
    }

    QueryEncoder encoder() {
        return encoder;
    }

    String text() {
        return encoder.model() + "-text";
    }

    String image() {
        return encoder.model() + "-image";
    }

    boolean isText(String name) {
        return name.equals(text());
    }

    /** Name of a model's only input. */
    String input(String name) {
        return isText(name) ? "text" : "image";
    }

    /**
     * @param version empty for any
     * @throws ProblemException if there is no such model
     */
    String require(String name, String version) {
        if (!name.equals(text()) && !name.equals(image())) {
            throw ProblemException.notFound(
                    "There is no such model here; this server has " + text() + " and " + image() + ".");
        }
        if (!version.isEmpty() && !version.equals(VERSION)) {
            throw ProblemException.notFound(name + " has version " + VERSION + " only.");
        }
        return name;
    }

    /** What a model has done so far. */
    Batcher.Done done(String name) {
        return isText(name) ? embedding.textsDone() : embedding.imagesDone();
    }

    /** @throws ProblemException if the model's input has another name */
    void requireInput(String name, String input) {
        if (!input.equals(input(name))) {
            throw ProblemException.badRequest("The input of " + name + " is named " + input(name) + ".");
        }
    }

    /** @throws ProblemException if the output has another name */
    static void requireOutput(String output) {
        if (!output.equals(OUTPUT)) {
            throw ProblemException.badRequest("The only output is named " + OUTPUT + ".");
        }
    }

    /**
     * The embeddings of an input's rows.
     *
     * @throws ProblemException if the input is not what the model takes
     */
    List<float[]> embed(String name, String datatype, long[] shape, TensorData data) {
        boolean rows = shape.length == 1 || (shape.length == 2 && shape[1] == 1);
        if (datatype.equals("BYTES") && rows) {
            return embedElements(name, rows(shape[0]), data.elements());
        }
        int size = encoder.imageSize();
        if (!isText(name) && datatype.equals("FP32")) {
            if (shape.length != 4 || !Arrays.equals(shape, new long[] {shape[0], 3, size, size})) {
                throw ProblemException.badRequest("shape must be [n, 3, " + size + ", " + size + "].");
            }
            float[] values = data.floats(rows(shape[0]) * 3 * size * size);
            for (float value : values) {
                if (!Float.isFinite(value)) {
                    throw ProblemException.badRequest("Every value must be finite.");
                }
            }
            return embedding.ofTensors(values);
        }
        throw ProblemException.badRequest(name + " takes BYTES of shape [n] or [n, 1]"
                + (isText(name) ? "." : ", or FP32 of shape [n, 3, " + size + ", " + size + "]."));
    }

    private List<float[]> embedElements(String name, int count, List<byte[]> elements) {
        if (elements.size() != count) {
            throw ProblemException.badRequest(
                    "shape says " + count + " elements, the data has " + elements.size() + ".");
        }
        if (!isText(name)) {
            return elements.stream()
                    .map(image -> embedding.ofImage(image, null))
                    .toList();
        }
        List<String> texts = elements.stream()
                .map(element -> new String(element, StandardCharsets.UTF_8))
                .toList();
        if (texts.stream().anyMatch(String::isBlank)) {
            throw ProblemException.badRequest("A text must not be empty.");
        }
        return embedding.ofTexts(texts);
    }

    /**
     * Triton's request parameter {@code timeout}.
     *
     * @param micros 0 or less for none
     */
    static Deadline within(long micros) {
        return micros <= 0
                ? Deadline.current()
                : Deadline.after(Duration.of(Math.min(micros, MOST_MICROS), ChronoUnit.MICROS));
    }

    private static int rows(long count) {
        if (count < 1 || count > TensorData.MAX_ROWS) {
            throw ProblemException.badRequest("A request must have 1 to " + TensorData.MAX_ROWS + " rows.");
        }
        return (int) count;
    }
}
