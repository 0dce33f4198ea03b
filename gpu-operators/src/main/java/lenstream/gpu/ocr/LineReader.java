package lenstream.gpu.ocr;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.config.ConfigException;
import lenstream.core.model.OcrBundle;
import lenstream.core.model.OcrModel;
import lenstream.gpu.embed.onnx.OnnxModel;

/**
 * Reads lines of one height: at each step along a line the most probable character, where repetitions without a blank between
 * them are one (CTC, greedy). Confined; owns its network.
 *
 * <p>Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
 */
final class LineReader implements AutoCloseable {
    private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

    /** Widths are rounded up to whole steps of it, so that the network sees few shapes. */
    private static final int STEP = 32;

    /** The shortest input, as a multiple of its height: the network was trained on padded lines. */
    private static final int LEAST_RATIO = 4;

    /** Columns of a batch, padding included: what the network is given at once. */
    private static final int MOST_COLUMNS = 6 * 320;

    private final OcrModel.Recognition rules;
    private final OnnxModel model;
    private final List<String> characters;
    private final InputBuffer input = new InputBuffer();

    /**
     * A line that was read.
     *
     * @param text as it was read; may be empty
     * @param confidence mean probability of its characters; 0 without any
     */
    record Line(String text, double confidence) {}

    private LineReader(OcrModel.Recognition rules, OnnxModel model, List<String> characters) {
        this.rules = rules;
        this.model = model;
        this.characters = characters;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    static LineReader open(OcrBundle bundle, int threads) {
        OcrModel.Recognition rules = bundle.model().recognition();
        List<String> characters = bundle.characters();
        OnnxModel model = OnnxModel.openForManyShapes(rules.file(), bundle.read(rules.file()), threads);
        return new LineReader(rules, model, characters);
    }

    /** The height that a line must have. */
    int height() {
        return rules.height();
    }

    /** How many of these lines, from the first on, are read at once; they are sorted by width, the narrowest first. */
    int batch(List<Strip> sorted) {
        int rows = 1;
        while (rows < sorted.size() && (rows + 1) * columns(sorted.get(rows)) <= MOST_COLUMNS) {
            rows++;
        }
        return rows;
    }

    /** Reads lines at once. */
    List<Line> read(List<Strip> lines) {
        int columns = lines.stream().mapToInt(this::columns).max().orElseThrow();
        int length = 3 * rules.height() * columns;
        FloatBuffer values = input.take(lines.size() * length);
        for (int row = 0; row < lines.size(); row++) {
            lines.get(row).write(values, row * length, columns, HALF, HALF);
        }
        OnnxModel.Output output = model.run(
                model.inputs().getFirst(),
                values,
                new long[] {lines.size(), 3, rules.height(), columns},
                model.outputs().getFirst());
        int steps = (int) output.shape()[1];
        int classes = (int) output.shape()[2];
        if (classes != characters.size() + 2) {
            throw new ConfigException(
                    rules.characters(),
                    List.of("has " + characters.size() + " characters, " + rules.file() + " knows " + (classes - 2)));
        }
        var read = new ArrayList<Line>(lines.size());
        for (int row = 0; row < lines.size(); row++) {
            read.add(decode(output.values(), row * steps * classes, steps, classes));
        }
        return read;
    }

    private int columns(Strip line) {
        int width = Math.max(line.width(), LEAST_RATIO * rules.height());
        return (width + STEP - 1) / STEP * STEP;
    }

    private Line decode(float[] probabilities, int start, int steps, int classes) {
        var text = new StringBuilder();
        double sum = 0;
        int count = 0;
        int before = 0;
        for (int step = 0; step < steps; step++) {
            int row = start + step * classes;
            int best = 0;
            for (int i = 1; i < classes; i++) {
                if (probabilities[row + i] > probabilities[row + best]) {
                    best = i;
                }
            }
            if (best != 0 && best != before) {
                text.append(best <= characters.size() ? characters.get(best - 1) : " ");
                sum += probabilities[row + best];
                count++;
            }
            before = best;
        }
        return new Line(text.toString(), count == 0 ? 0 : sum / count);
    }

    @Override
    public void close() {
        model.close();
    }
}
