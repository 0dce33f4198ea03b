package lenstream.gpu.ocr;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.model.OcrBundle;
import lenstream.core.model.OcrModel;
import lenstream.gpu.embed.onnx.OnnxModel;

/** Turns lines that stand on their head. Confined; owns its network. */
final class LineTurner implements AutoCloseable {
    private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);
    private static final int BATCH = 8;

    private final OcrModel.Direction rules;
    private final OnnxModel model;
    private final InputBuffer input = new InputBuffer();

    private LineTurner(OcrModel.Direction rules, OnnxModel model) {
        this.rules = rules;
        this.model = model;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    static LineTurner open(OcrModel.Direction rules, OcrBundle bundle, int threads) {
        return new LineTurner(rules, OnnxModel.openForManyShapes(rules.file(), bundle.read(rules.file()), threads));
    }

    /** The height that a line must have. */
    int height() {
        return rules.height();
    }

    /** Whether each of these lines stands on its head. */
    List<Boolean> onHead(List<Strip> lines) {
        var out = new ArrayList<Boolean>(lines.size());
        int length = 3 * rules.height() * rules.width();
        for (int from = 0; from < lines.size(); from += BATCH) {
            List<Strip> batch = lines.subList(from, Math.min(lines.size(), from + BATCH));
            FloatBuffer values = input.take(batch.size() * length);
            for (int row = 0; row < batch.size(); row++) {
                batch.get(row).narrowed(rules.width()).write(values, row * length, rules.width(), HALF, HALF);
            }
            float[] probabilities = model.run(
                            model.inputs().getFirst(),
                            values,
                            new long[] {batch.size(), 3, rules.height(), rules.width()},
                            model.outputs().getFirst())
                    .values();
            for (int row = 0; row < batch.size(); row++) {
                out.add(probabilities[2 * row + 1] > rules.threshold());
            }
        }
        return out;
    }

    @Override
    public void close() {
        model.close();
    }
}
