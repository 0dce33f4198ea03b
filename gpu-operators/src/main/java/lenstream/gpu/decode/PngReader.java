package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the common PNGs in Java: 8 bits a sample, gray, RGB, palette or RGBA, not interlaced. That takes half the time of
 * libpng over zlib, and what reads the bytes of strangers is Java.
 *
 * <p>Takes only what is whole and regular, up to the checksum of its data. Whatever is refused here is not thereby broken; OpenCV
 * judges it. Source: W3C PNG third edition. Confined to one thread; reused from image to image.
 */
final class PngReader {
    /** Above it a picture wants more memory than it saves time. */
    private static final int MOST_PIXELS = 12_000_000;

    private static final int KEPT_BYTES = 8 << 20;

    private static final int SIGNATURE = 8;
    private static final int IHDR = 0x49484452;
    private static final int PLTE = 0x504C5445;
    private static final int TRNS = 0x74524E53;
    private static final int IDAT = 0x49444154;
    private static final int IEND = 0x49454E44;

    private static final int GRAY = 0;
    private static final int RGB = 2;
    private static final int PALETTE = 3;
    private static final int RGBA = 6;

    private final WholeInflater inflater = new WholeInflater();
    private final int[] palette = new int[256];
    private byte[] compressed = {};
    private byte[] raw = {};
    private int width;
    private int height;
    private int kind;
    private int channels;
    private int colours;

    /** Bytes that reading such a picture needs at most beside the result; 0 if it is too large to be read here. */
    static long memory(long pixels) {
        return pixels > MOST_PIXELS ? 0 : 4 * pixels;
    }

    /**
     * Decodes into {@code rgb}.
     *
     * @param bytes a PNG whose chunks {@link Headers} has walked
     * @return false if it is refused; then {@code rgb} is as it was
     */
    boolean decode(ByteBuffer bytes, Ground ground, byte[] rgb) {
        int length = header(bytes) ? gather(bytes) : -1;
        if (length < 0 || kind == PALETTE && colours == 0) {
            return false;
        }
        if (raw.length < rawLength() + WholeInflater.OUTPUT_MARGIN) {
            raw = new byte[rawLength() + rawLength() / 4 + WholeInflater.OUTPUT_MARGIN];
        }
        boolean taken = inflater.inflate(compressed, 0, length, raw, rawLength()) && unfilter() && toRgb(ground, rgb);
        if (raw.length > KEPT_BYTES) {
            raw = new byte[0];
        }
        forgetLarge();
        return taken;
    }

    private void forgetLarge() {
        if (compressed.length > KEPT_BYTES) {
            compressed = new byte[0];
        }
    }

    /** Whether the bytes are a PNG whose filters a device can undo, as far as its header. */
    static boolean mayRead(byte[] png) {
        return png.length > 33 && png[24] == 8 && (png[25] == RGB || png[25] == RGBA) && png[28] == 0;
    }

    /**
     * Inflates an RGB or RGBA picture and leaves its filters to a device.
     *
     * @param png whose chunks {@link Headers} has walked
     * @param pool where the samples come from and go back to
     * @return null if it is refused
     */
    Unfinished.@Nullable Png read(byte[] png, Ground ground, PixelPool pool) {
        ByteBuffer bytes = ByteBuffer.wrap(png);
        int length = header(bytes) && channels > 1 ? gather(bytes) : -1;
        if (length < 0) {
            return null;
        }
        byte[] samples = pool.take(rawLength() + WholeInflater.OUTPUT_MARGIN);
        boolean taken = inflater.inflate(compressed, 0, length, samples, rawLength());
        for (int y = 0; taken && y < height; y++) {
            int filter = samples[y * (1 + width * channels)];
            taken = filter >= 0 && filter <= 4;
        }
        forgetLarge();
        if (!taken) {
            pool.give(samples);
            return null;
        }
        return new Unfinished.Png(samples, width, height, channels, ground, pool);
    }

    private int rawLength() {
        return height * (1 + width * channels);
    }

    private boolean header(ByteBuffer bytes) {
        int at = SIGNATURE;
        if (bytes.getInt(at) != 13 || bytes.getInt(at + 4) != IHDR) {
            return false;
        }
        width = bytes.getInt(at + 8);
        height = bytes.getInt(at + 12);
        kind = bytes.get(at + 17);
        channels = switch (kind) {
            case GRAY, PALETTE -> 1;
            case RGB -> 3;
            case RGBA -> 4;
            default -> 0;
        };
        boolean plain = bytes.get(at + 16) == 8 && bytes.get(at + 18) == 0 && bytes.get(at + 19) == 0;
        colours = 0;
        return plain && bytes.get(at + 20) == 0 && channels > 0 && (long) width * height <= MOST_PIXELS;
    }

    /** Puts the picture's data together; their length, negative if there is something unusual between them. */
    private int gather(ByteBuffer bytes) {
        if (compressed.length < bytes.limit() + WholeInflater.INPUT_MARGIN) {
            compressed = new byte[bytes.limit() + bytes.limit() / 4 + WholeInflater.INPUT_MARGIN];
        }
        int to = 0;
        boolean transparent = false;
        int at = SIGNATURE + 12 + 13;
        while (true) {
            int length = bytes.getInt(at);
            switch (bytes.getInt(at + 4)) {
                case IDAT -> {
                    bytes.get(at + 8, compressed, to, length);
                    to += length;
                }
                case PLTE -> {
                    if (to > 0 || colours > 0 || length % 3 != 0 || length > 768) {
                        return -1;
                    }
                    colours = length / 3;
                    for (int i = 0; i < colours; i++) {
                        int entry = at + 8 + 3 * i;
                        palette[i] = 0xFF << 24
                                | (bytes.get(entry) & 0xFF) << 16
                                | (bytes.get(entry + 1) & 0xFF) << 8
                                | bytes.get(entry + 2) & 0xFF;
                    }
                }
                case TRNS -> {
                    if (to > 0 || transparent || kind != PALETTE || length > colours || !Headers.isSound(bytes, at)) {
                        return -1; // its checksum, since libpng does without a broken one
                    }
                    transparent = true;
                    for (int i = 0; i < length; i++) {
                        palette[i] = palette[i] & 0xFFFFFF | bytes.get(at + 8 + i) << 24;
                    }
                }
                case IHDR -> {
                    return -1;
                }
                case IEND -> {
                    return to;
                }
                default -> {
                    if ((bytes.get(at + 4) & 0x20) == 0) { // critical
                        return -1;
                    }
                }
            }
            at += 12 + length;
        }
    }

    /** Turns differences into samples, in place; false if there is an unknown filter. */
    private boolean unfilter() {
        int bytes = width * channels;
        for (int y = 0; y < height; y++) {
            int filter = y * (bytes + 1);
            int row = filter + 1;
            int above = row - bytes - 1;
            switch (raw[filter]) {
                case 0 -> {}
                case 1 -> left(row, row + bytes);
                case 2 -> {
                    if (y > 0) {
                        above(row, above, bytes);
                    }
                }
                case 3 -> mean(row, y > 0 ? above : -1, bytes);
                case 4 -> {
                    if (y == 0) { // with zeros above it, Paeth's predictor is what is left
                        left(row, row + bytes);
                    } else if (channels == 3) {
                        paethOfThree(row, above, bytes);
                    } else {
                        paeth(row, above, bytes);
                    }
                }
                default -> {
                    return false;
                }
            }
        }
        return true;
    }

    private void left(int start, int end) {
        byte[] samples = raw;
        for (int i = start + channels; i < end; i++) {
            samples[i] += samples[i - channels];
        }
    }

    private void above(int row, int above, int bytes) {
        byte[] samples = raw;
        for (int i = 0; i < bytes; i++) {
            samples[row + i] += samples[above + i];
        }
    }

    private void mean(int row, int above, int bytes) {
        byte[] samples = raw;
        for (int i = 0; i < bytes; i++) {
            int left = i < channels ? 0 : samples[row + i - channels] & 0xFF;
            int up = above < 0 ? 0 : samples[above + i] & 0xFF;
            samples[row + i] += (byte) (left + up >> 1);
        }
    }

    private void paeth(int row, int above, int bytes) {
        byte[] samples = raw;
        for (int i = 0; i < bytes; i++) {
            int left = i < channels ? 0 : samples[row + i - channels] & 0xFF;
            int corner = i < channels ? 0 : samples[above + i - channels] & 0xFF;
            samples[row + i] += (byte) predicted(left, samples[above + i] & 0xFF, corner);
        }
    }

    /** The three samples side by side, as each waits for the one to its left. */
    private void paethOfThree(int row, int above, int bytes) {
        byte[] samples = raw;
        int left0 = 0;
        int left1 = 0;
        int left2 = 0;
        int corner0 = 0;
        int corner1 = 0;
        int corner2 = 0;
        for (int i = 0; i < bytes; i += 3) {
            int above0 = samples[above + i] & 0xFF;
            int above1 = samples[above + i + 1] & 0xFF;
            int above2 = samples[above + i + 2] & 0xFF;
            left0 = samples[row + i] + predicted(left0, above0, corner0) & 0xFF;
            left1 = samples[row + i + 1] + predicted(left1, above1, corner1) & 0xFF;
            left2 = samples[row + i + 2] + predicted(left2, above2, corner2) & 0xFF;
            samples[row + i] = (byte) left0;
            samples[row + i + 1] = (byte) left1;
            samples[row + i + 2] = (byte) left2;
            corner0 = above0;
            corner1 = above1;
            corner2 = above2;
        }
    }

    /**
     * Paeth's predictor without jumps, which would be as likely taken as not: with t = 3 corner - left - above, the larger of
     * left and above where t is at most the smaller, the smaller where t is at least the larger, else the corner.
     */
    private static int predicted(int left, int above, int corner) {
        int turn = 3 * corner - left - above;
        int smaller = Math.min(left, above);
        int larger = Math.max(left, above);
        int low = corner ^ (corner ^ smaller) & ~(turn - larger >> 31);
        return low ^ (low ^ larger) & ~(smaller - turn >> 31);
    }

    /** False if there is a colour that the palette does not have. */
    private boolean toRgb(Ground ground, byte[] rgb) {
        if (kind == PALETTE) {
            int largest = 0;
            for (int y = 0; y < height; y++) {
                int row = y * (width + 1) + 1;
                for (int x = 0; x < width; x++) {
                    largest = Math.max(largest, raw[row + x] & 0xFF);
                }
            }
            if (largest >= colours) {
                return false;
            }
            for (int i = 0; i < colours; i++) {
                int colour = palette[i];
                int alpha = colour >>> 24;
                palette[i] = (ground.over(colour >> 16 & 0xFF, alpha) & 0xFF) << 16
                        | (ground.over(colour >> 8 & 0xFF, alpha) & 0xFF) << 8
                        | ground.over(colour & 0xFF, alpha) & 0xFF;
            }
        }
        for (int y = 0; y < height; y++) {
            int from = y * (width * channels + 1) + 1;
            int to = y * width * 3;
            switch (kind) {
                case RGB -> System.arraycopy(raw, from, rgb, to, 3 * width);
                case RGBA -> {
                    for (int i = from; i < from + 4 * width; i += 4, to += 3) {
                        int alpha = raw[i + 3] & 0xFF;
                        rgb[to] = ground.over(raw[i] & 0xFF, alpha);
                        rgb[to + 1] = ground.over(raw[i + 1] & 0xFF, alpha);
                        rgb[to + 2] = ground.over(raw[i + 2] & 0xFF, alpha);
                    }
                }
                case GRAY -> {
                    for (int i = from; i < from + width; i++, to += 3) {
                        Arrays.fill(rgb, to, to + 3, raw[i]);
                    }
                }
                default -> {
                    for (int i = from; i < from + width; i++, to += 3) {
                        int colour = palette[raw[i] & 0xFF];
                        rgb[to] = (byte) (colour >> 16);
                        rgb[to + 1] = (byte) (colour >> 8);
                        rgb[to + 2] = (byte) colour;
                    }
                }
            }
        }
        return true;
    }
}
