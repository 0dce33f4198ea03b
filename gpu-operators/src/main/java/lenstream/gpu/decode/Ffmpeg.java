package lenstream.gpu.decode;

import static org.bytedeco.ffmpeg.global.avcodec.AV_EF_EXPLODE;
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
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_FLAG_ALPHA;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_FLAG_PAL;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_FLAG_RGB;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_pix_fmt_desc_get;

import lenstream.gpu.lifetime.NativeLoading;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVComponentDescriptor;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVPixFmtDescriptor;
import org.bytedeco.javacpp.BytePointer;

/** One frame by FFmpeg: AV1 by its binding of libaom, JPEG 2000 by its own decoder. */
final class Ffmpeg {
    private Ffmpeg() {}

    /** Loads the libraries, where an interrupt of the caller does not reach. */
    static void load() {
        NativeLoading.initialise(
                org.bytedeco.ffmpeg.global.avutil.class,
                org.bytedeco.ffmpeg.global.avcodec.class,
                AVCodec.class,
                AVCodecContext.class,
                AVPacket.class,
                AVFrame.class,
                AVDictionary.class,
                AVPixFmtDescriptor.class,
                AVComponentDescriptor.class,
                BytePointer.class);
    }

    /** The first frame of an AV1 stream, its samples as deep as they are stored. */
    static Planes av1(byte[] data) throws UndecodableException {
        return decode(Format.AVIF, "libaom-av1", data, false);
    }

    /**
     * A JPEG 2000 file or codestream, its samples brought to 8 bits by dropping low ones, as Pillow does; a fault within
     * it is an error, not a patch of gray.
     */
    static Planes jpeg2000(byte[] data) throws UndecodableException {
        return decode(Format.JPEG2000, "jpeg2000", data, true);
    }

    /** Everything native is released before it returns. */
    private static Planes decode(Format format, String name, byte[] data, boolean eightBits)
            throws UndecodableException {
        av_log_set_level(AV_LOG_QUIET);
        AVCodec codec = avcodec_find_decoder_by_name(name);
        if (codec == null || codec.isNull()) {
            throw UndecodableException.unsupported(format + ": this build of FFmpeg has no decoder " + name);
        }
        AVCodecContext context = avcodec_alloc_context3(codec);
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        try {
            context.thread_count(1);
            context.err_recognition(AV_EF_EXPLODE);
            check(format, avcodec_open2(context, codec, (AVDictionary) null), "open the decoder");
            check(format, av_new_packet(packet, data.length), "allocate " + data.length + " bytes");
            packet.data().put(data, 0, data.length);
            check(format, avcodec_send_packet(context, packet), "decode its " + data.length + " bytes");
            check(format, avcodec_receive_frame(context, frame), "decode its " + data.length + " bytes");
            return planes(format, frame, eightBits);
        } finally {
            av_frame_free(frame);
            av_packet_free(packet);
            avcodec_free_context(context);
        }
    }

    private static void check(Format format, int status, String what) throws UndecodableException {
        if (status < 0) {
            throw UndecodableException.corrupt(format + ": cannot " + what + " (status " + status + ")");
        }
    }

    private static Planes planes(Format format, AVFrame frame, boolean eightBits) throws UndecodableException {
        AVPixFmtDescriptor layout = av_pix_fmt_desc_get(frame.format());
        if (layout == null || layout.isNull()) {
            throw UndecodableException.unsupported(
                    format + " with pixel format " + frame.format() + " is not supported");
        }
        boolean fullRange = eightBits || frame.color_range() == AVCOL_RANGE_JPEG;
        if ((layout.flags() & AV_PIX_FMT_FLAG_PAL) != 0) {
            return palette(frame);
        }
        boolean hasAlpha = (layout.flags() & AV_PIX_FMT_FLAG_ALPHA) != 0;
        boolean rgb = (layout.flags() & AV_PIX_FMT_FLAG_RGB) != 0;
        int components = layout.nb_components();
        int colours = components >= 3 ? 3 : 1;
        int depth = layout.comp(0).depth();
        int shiftX = colours == 3 ? layout.log2_chroma_w() : 0;
        int shiftY = colours == 3 ? layout.log2_chroma_h() : 0;
        int width = frame.width();
        int height = frame.height();
        int drop = eightBits ? depth - 8 : 0;
        var samples = new short[colours][];
        for (int i = 0; i < colours; i++) {
            // FFmpeg numbers the components red, green, blue; the planes here are green, blue, red
            int component = rgb ? (i + 1) % 3 : i;
            int columns = i == 0 ? width : (width + (1 << shiftX) - 1) >> shiftX;
            int rows = i == 0 ? height : (height + (1 << shiftY) - 1) >> shiftY;
            samples[i] = plane(frame, layout.comp(component), columns, rows, drop);
        }
        short[] alpha = hasAlpha ? plane(frame, layout.comp(components - 1), width, height, drop) : null;
        return new Planes(
                samples, alpha, width, height, shiftX, shiftY, depth - drop, fullRange, frame.colorspace(), rgb);
    }

    private static short[] plane(AVFrame frame, AVComponentDescriptor component, int columns, int rows, int drop) {
        int step = component.step();
        int depth = component.depth();
        int shift = component.shift() + drop;
        int mask = (1 << depth - drop) - 1;
        int wide = depth > 8 ? 1 : 0;
        BytePointer data = frame.data(component.plane());
        long stride = frame.linesize(component.plane());
        var out = new short[columns * rows];
        var row = new byte[(columns - 1) * step + 1 + wide];
        for (int y = 0; y < rows; y++) {
            data.position(y * stride + component.offset()).get(row);
            for (int x = 0, at = 0; x < columns; x++, at += step) {
                int sample = wide == 1 ? (row[at] & 0xFF) | (row[at + 1] & 0xFF) << 8 : row[at] & 0xFF;
                out[y * columns + x] = (short) (sample >> shift & mask);
            }
        }
        return out;
    }

    /** Indices into 256 colours of alpha, red, green and blue, each a 32-bit number. */
    private static Planes palette(AVFrame frame) {
        int width = frame.width();
        int height = frame.height();
        var colours = new byte[256 * 4];
        frame.data(1).get(colours);
        var samples = new short[3][width * height];
        BytePointer data = frame.data(0);
        var row = new byte[width];
        for (int y = 0; y < height; y++) {
            data.position((long) y * frame.linesize(0)).get(row);
            for (int x = 0; x < width; x++) {
                int colour = 4 * (row[x] & 0xFF);
                samples[0][y * width + x] = (short) (colours[colour + 1] & 0xFF);
                samples[1][y * width + x] = (short) (colours[colour] & 0xFF);
                samples[2][y * width + x] = (short) (colours[colour + 2] & 0xFF);
            }
        }
        return new Planes(samples, null, width, height, 0, 0, 8, true, 0, true);
    }
}
