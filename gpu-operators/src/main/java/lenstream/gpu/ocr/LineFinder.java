package lenstream.gpu.ocr;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_imgproc.CHAIN_APPROX_SIMPLE;
import static org.bytedeco.opencv.global.opencv_imgproc.RETR_LIST;
import static org.bytedeco.opencv.global.opencv_imgproc.findContours;
import static org.bytedeco.opencv.global.opencv_imgproc.minAreaRect;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.model.OcrBundle;
import lenstream.core.model.OcrModel;
import lenstream.gpu.embed.onnx.OnnxModel;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.MatVector;
import org.bytedeco.opencv.opencv_core.RotatedRect;

/**
 * Finds lines of text: a network says for each point how probably it lies in the middle part of a line, and each connected
 * part of what is above the threshold becomes the smallest rectangle around it, grown to the whole line. Confined; owns its
 * network.
 *
 * <p>Source: Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020; the constants are those of
 * PP-OCR.
 */
final class LineFinder implements AutoCloseable {
    /** The network halves its input five times. */
    private static final int STEP = 32;

    /** Parts that are looked at; a page of print has some hundred. */
    private static final int MOST_PARTS = 1_000;

    /** Shorter sides of a part, and of the line around it, below which nobody could read it. */
    private static final double LEAST_PART = 3;

    private static final double LEAST_LINE = 5;

    private final OcrModel.Detection rules;
    private final OnnxModel model;
    private final InputBuffer input = new InputBuffer();

    private LineFinder(OcrModel.Detection rules, OnnxModel model) {
        this.rules = rules;
        this.model = model;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    static LineFinder open(OcrBundle bundle, int threads) {
        OcrModel.Detection rules = bundle.model().detection();
        return new LineFinder(rules, OnnxModel.openForManyShapes(rules.file(), bundle.read(rules.file()), threads));
    }

    /**
     * The lines of a picture, in its own pixels.
     *
     * @param maxSide longest side at which they are looked for
     */
    List<Quad> find(Picture picture, int maxSide) {
        double scale = Math.min(1, (double) maxSide / Math.max(picture.width(), picture.height()));
        int width = stepped(picture.width() * scale);
        int height = stepped(picture.height() * scale);
        FloatBuffer values = input.take(3 * width * height);
        picture.scaled(width, height).write(values, 0, width, rules.mean(), rules.std());
        float[] probabilities = model.run(
                        model.inputs().getFirst(),
                        values,
                        new long[] {1, 3, height, width},
                        model.outputs().getFirst())
                .values();
        var lines = new ArrayList<Quad>();
        for (Quad quad : quads(probabilities, width, height)) {
            Quad line = quad.scaled(
                    (double) picture.width() / width,
                    (double) picture.height() / height,
                    picture.width(),
                    picture.height());
            if (Math.min(line.width(), line.height()) > LEAST_PART) {
                lines.add(line);
            }
        }
        return lines;
    }

    private static int stepped(double side) {
        return Math.max(STEP, (int) Math.round(side / STEP) * STEP);
    }

    private List<Quad> quads(float[] probabilities, int width, int height) {
        byte[] text = text(probabilities, width, height);
        if (text.length == 0) {
            return List.of();
        }
        var quads = new ArrayList<Quad>();
        try (var scope = new PointerScope()) {
            var bitmap = new Mat(height, width, CV_8UC1);
            bitmap.data().put(text, 0, text.length);
            var contours = new MatVector();
            findContours(bitmap, contours, RETR_LIST, CHAIN_APPROX_SIMPLE);
            for (long i = 0; i < Math.min(contours.size(), MOST_PARTS); i++) {
                RotatedRect part = minAreaRect(contours.get(i));
                double partWidth = part.size().width();
                double partHeight = part.size().height();
                if (Math.min(partWidth, partHeight) < LEAST_PART) {
                    continue;
                }
                double x = part.center().x();
                double y = part.center().y();
                double score = mean(
                        probabilities, width, height, Quad.of(x, y, partWidth, partHeight, part.angle(), Double.NaN));
                double grown = partWidth * partHeight * rules.unclip() / (partWidth + partHeight); // on both sides
                if (score >= rules.boxThreshold() && Math.min(partWidth, partHeight) + grown >= LEAST_LINE) {
                    quads.add(Quad.of(x, y, partWidth + grown, partHeight + grown, part.angle(), score));
                }
            }
            scope.deallocate();
        }
        return quads;
    }

    /** 1 where there is text, spread by one point to the right and downwards; empty if there is none anywhere. */
    private byte[] text(float[] probabilities, int width, int height) {
        var text = new byte[width * height];
        boolean any = false;
        for (int y = 0, i = 0; y < height; y++) {
            for (int x = 0; x < width; x++, i++) {
                if (probabilities[i] > rules.threshold()) {
                    any = true;
                    boolean right = x + 1 < width;
                    boolean below = y + 1 < height;
                    text[i] = 1;
                    text[right ? i + 1 : i] = 1;
                    text[below ? i + width : i] = 1;
                    text[right && below ? i + width + 1 : i] = 1;
                }
            }
        }
        return any ? text : new byte[0];
    }

    /** Mean of the points within a rectangle. */
    private static double mean(float[] probabilities, int width, int height, Quad quad) {
        double sum = 0;
        long points = 0;
        int last = (int) Math.min(height - 1, Math.ceil(quad.bottom()));
        for (int y = (int) Math.max(0, Math.floor(quad.top())); y <= last; y++) {
            double from = Double.POSITIVE_INFINITY;
            double to = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < 4; i++) { // where the row crosses the sides
                int j = (i + 1) % 4;
                double low = Math.min(quad.y()[i], quad.y()[j]);
                double high = Math.max(quad.y()[i], quad.y()[j]);
                if (y < low || y > high) {
                    continue;
                }
                double along = high == low ? 0 : (y - quad.y()[i]) / (quad.y()[j] - (double) quad.y()[i]);
                double x = quad.x()[i] + along * (quad.x()[j] - quad.x()[i]);
                from = Math.min(from, Math.min(x, high == low ? quad.x()[j] : x));
                to = Math.max(to, Math.max(x, high == low ? quad.x()[j] : x));
            }
            for (int x = (int) Math.max(0, Math.ceil(from)); x <= Math.min(width - 1, to); x++) {
                sum += probabilities[y * width + x];
                points++;
            }
        }
        return points == 0 ? 0 : sum / points;
    }

    @Override
    public void close() {
        model.close();
    }
}
