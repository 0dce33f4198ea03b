package lenstream.gpu.ocr;

import static org.bytedeco.opencv.global.opencv_core.BORDER_REPLICATE;
import static org.bytedeco.opencv.global.opencv_core.CV_32FC2;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_COUNTERCLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.rotate;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_CUBIC;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.getPerspectiveTransform;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;
import static org.bytedeco.opencv.global.opencv_imgproc.warpPerspective;

import com.google.errorprone.annotations.MustBeClosed;
import lenstream.gpu.lifetime.NativeLoading;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.MatVector;
import org.bytedeco.opencv.opencv_core.RotatedRect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * A picture in native memory while it is read, 8-bit BGR, out of which scaled copies and lines are taken. Confined; its owner
 * closes it.
 */
final class Picture implements AutoCloseable {
    /** The longest line that is worth reading, as a multiple of its height; beyond, its letters are squeezed. */
    private static final int LONGEST = 60;

    private final Mat bgr;

    /** Loads the libraries that pictures and lines are worked on with, where an interrupt of the caller does not reach. */
    static void load() {
        NativeLoading.initialise(
                org.bytedeco.opencv.global.opencv_core.class,
                org.bytedeco.opencv.global.opencv_imgproc.class,
                FloatPointer.class,
                Mat.class,
                MatVector.class,
                RotatedRect.class,
                Scalar.class,
                Size.class);
    }

    private Picture(Mat bgr) {
        this.bgr = bgr;
    }

    /** @param rgb 8-bit RGB, interleaved, rows without padding; the array may be longer; borrowed */
    @MustBeClosed
    static Picture of(byte[] rgb, int width, int height) {
        var mat = new Mat(height, width, CV_8UC3);
        mat.data().put(rgb, 0, width * height * 3);
        cvtColor(mat, mat, COLOR_RGB2BGR);
        return new Picture(mat);
    }

    int width() {
        return bgr.cols();
    }

    int height() {
        return bgr.rows();
    }

    /** A copy of this size. */
    Strip scaled(int width, int height) {
        try (var scope = new PointerScope()) {
            var out = new Mat();
            resize(bgr, out, new Size(width, height), 0, 0, interpolation(bgr, width, height));
            Strip strip = strip(out);
            scope.deallocate();
            return strip;
        }
    }

    /**
     * A line, turned level, of this height. One that is higher than wide is turned a quarter to the left, so that it reads
     * from left to right or stands on its head.
     */
    Strip line(Quad quad, int height) {
        int cropWidth = Math.max(1, (int) quad.width());
        int cropHeight = Math.max(1, (int) quad.height());
        try (var scope = new PointerScope()) {
            var from = new Mat(4, 1, CV_32FC2);
            var to = new Mat(4, 1, CV_32FC2);
            var corners = new float[8];
            for (int i = 0; i < 4; i++) {
                corners[2 * i] = quad.x()[i];
                corners[2 * i + 1] = quad.y()[i];
            }
            new FloatPointer(from.data()).put(corners, 0, 8);
            new FloatPointer(to.data())
                    .put(new float[] {0, 0, cropWidth, 0, cropWidth, cropHeight, 0, cropHeight}, 0, 8);
            var crop = new Mat();
            warpPerspective(
                    bgr,
                    crop,
                    getPerspectiveTransform(from, to),
                    new Size(cropWidth, cropHeight),
                    INTER_CUBIC,
                    BORDER_REPLICATE,
                    new Scalar());
            Mat level = crop;
            if (quad.isUpright()) {
                level = new Mat();
                rotate(crop, level, ROTATE_90_COUNTERCLOCKWISE);
            }
            int width = (int) Math.clamp(Math.ceil((double) height * level.cols() / level.rows()), 1, LONGEST * height);
            var out = new Mat();
            resize(level, out, new Size(width, height), 0, 0, INTER_LINEAR);
            Strip strip = strip(out);
            scope.deallocate();
            return strip;
        }
    }

    /** Averages where it shrinks, so that thin strokes stay. */
    private static int interpolation(Mat from, int width, int height) {
        return width < from.cols() && height < from.rows() ? INTER_AREA : INTER_LINEAR;
    }

    private static Strip strip(Mat mat) {
        var bytes = new byte[mat.cols() * mat.rows() * 3];
        mat.data().get(bytes, 0, bytes.length);
        return new Strip(bytes, mat.cols(), mat.rows());
    }

    @Override
    public void close() {
        bgr.close();
    }
}
