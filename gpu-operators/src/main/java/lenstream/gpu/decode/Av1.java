package lenstream.gpu.decode;

import static org.bytedeco.ffmpeg.global.avcodec.av_new_packet;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder_by_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_JPEG;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_pix_fmt_desc_get;

import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVPixFmtDescriptor;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;

/**
 * One AV1 frame by FFmpeg's binding of libaom, and its way from luma and chroma to RGB. Chroma is upsampled linearly
 * between sample centres, as libavif does.
 */
final class Av1 {
    private Av1() {}

    /**
     * The planes of a frame.
     *
     * @param samples up to three planes of 8 to 12-bit samples, without row padding
     * @param shiftX how many times chroma is halved horizontally
     * @param depth bits a sample
     * @param matrix as in ITU-T H.273
     * @param rgb whether the planes are green, blue, red
     */
    record Frame(
            short[][] samples,
            int width,
            int height,
            int shiftX,
            int shiftY,
            int depth,
            boolean fullRange,
            int matrix,
            boolean rgb) {
        int chromaWidth() {
            return (width + (1 << shiftX) - 1) >> shiftX;
        }
    }

    /** Decodes the first frame of an AV1 stream. Everything native is released before it returns. */
    static Frame decode(byte[] data) throws UndecodableException {
        av_log_set_level(AV_LOG_QUIET);
        AVCodec codec = avcodec_find_decoder_by_name("libaom-av1");
        if (codec == null || codec.isNull()) {
            throw UndecodableException.unsupported("AVIF: this build of FFmpeg has no AV1 decoder");
        }
        AVCodecContext context = avcodec_alloc_context3(codec);
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        try {
            context.thread_count(1);
            check(avcodec_open2(context, codec, (AVDictionary) null), "open the decoder");
            check(av_new_packet(packet, data.length), "allocate " + data.length + " bytes");
            packet.data().put(data, 0, data.length);
            check(avcodec_send_packet(context, packet), "decode " + data.length + " bytes of AV1");
            check(avcodec_receive_frame(context, frame), "decode " + data.length + " bytes of AV1");
            return copy(frame);
        } finally {
            av_frame_free(frame);
            av_packet_free(packet);
            avcodec_free_context(context);
        }
    }

    private static void check(int status, String what) throws UndecodableException {
        if (status < 0) {
            throw UndecodableException.corrupt("AVIF: cannot " + what + " (status " + status + ")");
        }
    }

    private static Frame copy(AVFrame frame) throws UndecodableException {
        AVPixFmtDescriptor format = av_pix_fmt_desc_get(frame.format());
        if (format == null || format.isNull()) {
            throw UndecodableException.unsupported("AVIF with pixel format " + frame.format() + " is not supported");
        }
        int planes = format.nb_components() >= 3 ? 3 : 1;
        int depth = format.comp(0).depth();
        int shiftX = planes == 3 ? format.log2_chroma_w() : 0;
        int shiftY = planes == 3 ? format.log2_chroma_h() : 0;
        int width = frame.width();
        int height = frame.height();
        boolean rgb = (format.flags() & 1L << 5) != 0;
        var samples = new short[planes][];
        for (int plane = 0; plane < planes; plane++) {
            int columns = plane == 0 ? width : (width + (1 << shiftX) - 1) >> shiftX;
            int rows = plane == 0 ? height : (height + (1 << shiftY) - 1) >> shiftY;
            samples[plane] = plane(frame.data(plane), frame.linesize(plane), columns, rows, depth);
        }
        return new Frame(
                samples,
                width,
                height,
                shiftX,
                shiftY,
                depth,
                frame.color_range() == AVCOL_RANGE_JPEG,
                frame.colorspace(),
                rgb);
    }

    private static short[] plane(BytePointer data, int stride, int columns, int rows, int depth) {
        var out = new short[columns * rows];
        var row = new byte[columns * (depth > 8 ? 2 : 1)];
        for (int y = 0; y < rows; y++) {
            data.position((long) y * stride).get(row);
            for (int x = 0; x < columns; x++) {
                out[y * columns + x] =
                        (short) (depth > 8 ? (row[2 * x] & 0xFF) | (row[2 * x + 1] & 0xFF) << 8 : row[x] & 0xFF);
            }
        }
        return out;
    }

    /** Writes the frame as RGB. */
    static void toRgb(Frame frame, @Nullable Frame alpha, int matrix, boolean fullRange, Ground ground, byte[] rgb) {
        double max = (1 << frame.depth) - 1;
        double unit = 1 << (frame.depth - 8);
        double black = fullRange ? 0 : 16 * unit;
        double lumaRange = fullRange ? max : 219 * unit;
        double chromaRange = fullRange ? max : 224 * unit;
        double middle = 128 * unit;
        double[] k = coefficients(matrix);
        double kr = k[0];
        double kb = k[1];
        double kg = 1 - kr - kb;
        boolean gray = frame.samples.length == 1;
        boolean identity = frame.rgb || matrix == 0;
        for (int y = 0; y < frame.height; y++) {
            for (int x = 0; x < frame.width; x++) {
                int at = y * frame.width + x;
                double red;
                double green;
                double blue;
                double luma = (frame.samples[0][at] - black) / lumaRange;
                if (gray) {
                    red = luma;
                    green = luma;
                    blue = luma;
                } else if (identity) {
                    green = luma;
                    blue = (frame.samples[1][at] - black) / lumaRange;
                    red = (frame.samples[2][at] - black) / lumaRange;
                } else {
                    double cb = (chroma(frame, 1, x, y) - middle) / chromaRange;
                    double cr = (chroma(frame, 2, x, y) - middle) / chromaRange;
                    red = luma + 2 * (1 - kr) * cr;
                    blue = luma + 2 * (1 - kb) * cb;
                    green = luma - (2 * kr * (1 - kr) * cr + 2 * kb * (1 - kb) * cb) / kg;
                }
                int a = alpha == null ? 255 : sample(alpha, at);
                rgb[3 * at] = ground.over(level(red), a);
                rgb[3 * at + 1] = ground.over(level(green), a);
                rgb[3 * at + 2] = ground.over(level(blue), a);
            }
        }
    }

    private static int level(double value) {
        return (int) Math.clamp(value * 255 + 0.5, 0, 255);
    }

    private static int sample(Frame alpha, int at) {
        double max = (1 << alpha.depth) - 1;
        double value = alpha.fullRange
                ? alpha.samples[0][at] / max
                : (alpha.samples[0][at] - (16 << (alpha.depth - 8))) / (double) (219 << (alpha.depth - 8));
        return level(value);
    }

    /** Chroma at a luma position: between the nearest sample centres, weights 3/4 and 1/4 a halved axis. */
    private static double chroma(Frame frame, int plane, int x, int y) {
        int columns = frame.chromaWidth();
        int rows = (frame.height + (1 << frame.shiftY) - 1) >> frame.shiftY;
        short[] samples = frame.samples[plane];
        int nearX = x >> frame.shiftX;
        int nearY = y >> frame.shiftY;
        int farX = frame.shiftX == 0 ? nearX : Math.clamp(nearX + ((x & 1) == 0 ? -1 : 1), 0, columns - 1);
        int farY = frame.shiftY == 0 ? nearY : Math.clamp(nearY + ((y & 1) == 0 ? -1 : 1), 0, rows - 1);
        double near = 0.75 * samples[nearY * columns + nearX] + 0.25 * samples[nearY * columns + farX];
        double far = 0.75 * samples[farY * columns + nearX] + 0.25 * samples[farY * columns + farX];
        return 0.75 * near + 0.25 * far;
    }

    /** Kr and Kb of ITU-T H.273, table 4; BT.601 where the file does not say. */
    private static double[] coefficients(int matrix) {
        return switch (matrix) {
            case 1 -> new double[] {0.2126, 0.0722};
            case 4 -> new double[] {0.30, 0.11};
            case 7 -> new double[] {0.212, 0.087};
            case 9, 10 -> new double[] {0.2627, 0.0593};
            default -> new double[] {0.299, 0.114};
        };
    }
}
