package lenstream.gpu.decode;

import static org.bytedeco.opencv.global.opencv_core.CV_16U;
import static org.bytedeco.opencv.global.opencv_core.CV_8U;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR_RGB;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_IGNORE_ORIENTATION;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_UNCHANGED;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import java.nio.ByteBuffer;
import lenstream.gpu.lifetime.NativeLoading;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * JPEG, PNG and WebP by OpenCV's libjpeg-turbo, libpng and libwebp. Everything native lives and dies inside one call.
 */
final class OpenCv {
    private OpenCv() {}

    /** Loads the libraries, where an interrupt of the caller does not reach. */
    static void load() {
        NativeLoading.initialise(
                org.bytedeco.opencv.global.opencv_core.class,
                org.bytedeco.opencv.global.opencv_imgcodecs.class,
                BytePointer.class,
                IntPointer.class,
                ShortPointer.class,
                Mat.class);
    }

    /**
     * Decodes into {@code rgb}.
     *
     * @param bytes direct
     */
    static void decode(ByteBuffer bytes, ImageHeader header, Ground ground, byte[] rgb) throws UndecodableException {
        try (var scope = new PointerScope()) {
            var encoded = new BytePointer(bytes);
            var buffer = new Mat(1, bytes.limit(), CV_8UC1, encoded);
            int flags =
                    header.format() == Format.JPEG ? IMREAD_COLOR_RGB | IMREAD_IGNORE_ORIENTATION : IMREAD_UNCHANGED;
            Mat image;
            try {
                image = imdecode(buffer, flags);
            } catch (RuntimeException e) { // JavaCPP's form of cv::Exception
                throw UndecodableException.corrupt(header.format() + ": the decoder says: " + firstLine(e));
            }
            if (image == null || image.empty()) {
                throw UndecodableException.corrupt(header.format() + ": its picture data cannot be decoded");
            }
            if (image.cols() != header.width() || image.rows() != header.height()) {
                throw UndecodableException.corrupt(header.format() + ": decoded to " + image.cols() + " x "
                        + image.rows() + ", its header says " + header.width() + " x " + header.height());
            }
            copy(image, header, ground, rgb);
            scope.deallocate();
        }
    }

    private static void copy(Mat image, ImageHeader header, Ground ground, byte[] rgb) throws UndecodableException {
        int samples = header.width() * header.height() * 3;
        if (header.format() == Format.JPEG) {
            image.data().get(rgb, 0, samples);
            return;
        }
        int channels = image.channels();
        int depth = image.depth();
        if ((depth != CV_8U && depth != CV_16U) || channels == 2 || channels > 4) {
            throw UndecodableException.unsupported(
                    header.format() + " with " + channels + " channels of type " + depth + " is not supported");
        }
        int width = header.width();
        var row = new byte[width * channels];
        var wide = new short[depth == CV_16U ? row.length : 0];
        for (int y = 0; y < header.height(); y++) {
            if (depth == CV_8U) {
                image.ptr(y).get(row);
            } else {
                new ShortPointer(image.ptr(y)).get(wide);
                for (int i = 0; i < wide.length; i++) {
                    row[i] = (byte) (wide[i] >> 8);
                }
            }
            row(row, channels, width, ground, rgb, y * width * 3);
        }
    }

    /** Turns one row of gray, BGR or BGRA into RGB. */
    private static void row(byte[] row, int channels, int width, Ground ground, byte[] rgb, int start) {
        int to = start;
        switch (channels) {
            case 1 -> {
                for (int x = 0; x < width; x++, to += 3) {
                    rgb[to] = row[x];
                    rgb[to + 1] = row[x];
                    rgb[to + 2] = row[x];
                }
            }
            case 3 -> {
                for (int from = 0; from < width * 3; from += 3, to += 3) {
                    rgb[to] = row[from + 2];
                    rgb[to + 1] = row[from + 1];
                    rgb[to + 2] = row[from];
                }
            }
            default -> {
                for (int from = 0; from < width * 4; from += 4, to += 3) {
                    int alpha = row[from + 3] & 0xFF;
                    rgb[to] = ground.over(row[from + 2] & 0xFF, alpha);
                    rgb[to + 1] = ground.over(row[from + 1] & 0xFF, alpha);
                    rgb[to + 2] = ground.over(row[from] & 0xFF, alpha);
                }
            }
        }
    }

    /** Encodes RGB samples as a JPEG of the given quality, 1 to 100. */
    static byte[] jpeg(byte[] rgb, int width, int height, int quality) {
        try (var scope = new PointerScope()) {
            var image = new Mat(height, width, CV_8UC3);
            var bgr = new byte[width * height * 3];
            for (int i = 0; i < bgr.length; i += 3) {
                bgr[i] = rgb[i + 2];
                bgr[i + 1] = rgb[i + 1];
                bgr[i + 2] = rgb[i];
            }
            image.data().put(bgr, 0, bgr.length);
            var out = new BytePointer();
            if (!imencode(".jpg", image, out, new IntPointer(IMWRITE_JPEG_QUALITY, quality))) {
                throw new IllegalStateException("cannot encode a JPEG of " + width + " x " + height);
            }
            var encoded = new byte[(int) out.limit()];
            out.get(encoded);
            scope.deallocate();
            return encoded;
        }
    }

    private static String firstLine(RuntimeException e) {
        String message = String.valueOf(e.getMessage()).strip();
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
