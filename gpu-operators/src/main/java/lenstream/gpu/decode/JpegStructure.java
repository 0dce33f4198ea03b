package lenstream.gpu.decode;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JPEG marker by marker, to its end marker, and says whether a hardware decoder may have it: baseline, 8 bits, Huffman,
 * gray or YCbCr in one scan, every table defined and sound, every marker where it belongs and nothing missing. Hardware and its
 * driver trust what they are given, so they get nothing else; whatever is refused here is not thereby broken, but decoded on the
 * CPU, by software that expects the worst.
 *
 * <p>The entropy-coded bits themselves are not decoded, only searched for markers, eight bytes at a time. Source: ITU-T T.81,
 * annexes B and F. Confined to one thread; reused from image to image.
 */
public final class JpegStructure {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;

    /** The largest category of a baseline DC difference, and of an AC coefficient (T.81, tables F.1 and F.2). */
    private static final int MOST_DC = 11;

    private static final int MOST_AC = 10;

    /** How chroma is sampled. */
    public enum Sampling {
        GRAY,
        /** 4:4:4. */
        FULL,
        /** 4:2:2. */
        HALF_WIDTH,
        /** 4:4:0. */
        HALF_HEIGHT,
        /** 4:2:0. */
        QUARTER
    }

    private final boolean[] quantisers = new boolean[4];
    private final boolean[] dcTables = new boolean[2];
    private final boolean[] acTables = new boolean[2];
    private final int[] ids = new int[3];
    private final int[] quantiserOf = new int[3];
    private byte[] bytes = {};
    private int width;
    private int height;
    private int components;
    private Sampling sampling = Sampling.GRAY;
    private int interval;
    private boolean jfif;
    private int adobeTransform;
    private int length;

    /** Ends the reading of one image; without a stack trace, as it is an expected outcome. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;

        Refusal(String why) {
            super(why, null, false, false);
        }
    }

    /**
     * Reads an image.
     *
     * @return why a hardware decoder may not have it; null if it may
     */
    public @Nullable String refusal(byte[] jpeg) {
        Arrays.fill(quantisers, false);
        Arrays.fill(dcTables, false);
        Arrays.fill(acTables, false);
        bytes = jpeg;
        width = 0;
        height = 0;
        components = 0;
        interval = 0;
        jfif = false;
        adobeTransform = -1;
        try {
            read();
            return null;
        } catch (Refusal e) {
            return e.getMessage();
        } catch (IndexOutOfBoundsException e) {
            return "it ends within its header";
        } finally {
            bytes = new byte[0];
        }
    }

    /** Bytes up to and with the end marker, of the image last read and not refused. */
    public int length() {
        return length;
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    public Sampling sampling() {
        return sampling;
    }

    private int byteAt(int at) {
        return bytes[at] & 0xFF;
    }

    private int shortAt(int at) {
        return byteAt(at) << 8 | byteAt(at + 1);
    }

    private void read() throws Refusal {
        if (byteAt(0) != 0xFF || byteAt(1) != 0xD8) {
            throw new Refusal("it does not start with a start marker");
        }
        int at = 2;
        while (true) {
            if (byteAt(at) != 0xFF) {
                throw new Refusal("no marker at byte " + at);
            }
            int marker = byteAt(at + 1);
            if (marker == 0xFF) { // fill byte
                at++;
                continue;
            }
            int size = shortAt(at + 2);
            int start = at + 4;
            int end = at + 2 + size;
            if (size < 2 || end > bytes.length) {
                throw new Refusal("segment of " + size + " bytes at byte " + at);
            }
            switch (marker) {
                case 0xC0 -> frame(start, end);
                case 0xC4 -> huffmanTables(start, end);
                case 0xDB -> quantisationTables(start, end);
                case 0xDD -> {
                    require(size == 4, "restart interval of another length");
                    interval = shortAt(start);
                }
                case 0xDA -> {
                    scanHeader(start, end);
                    scan(end);
                    return;
                }
                case 0xE0 -> jfif |= startsWith(start, end, "JFIF\0");
                case 0xEE -> {
                    if (startsWith(start, end, "Adobe") && end - start >= 12) {
                        adobeTransform = byteAt(start + 11);
                    }
                }
                default -> {
                    if (marker != 0xFE && (marker < 0xE1 || marker > 0xEF)) {
                        throw new Refusal(
                                "marker " + Integer.toHexString(marker) + ", which is not of a baseline image");
                    }
                }
            }
            at = end;
        }
    }

    private static void require(boolean holds, String otherwise) throws Refusal {
        if (!holds) {
            throw new Refusal(otherwise);
        }
    }

    private boolean startsWith(int start, int end, String text) {
        if (end - start < text.length()) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (byteAt(start + i) != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private void frame(int start, int end) throws Refusal {
        require(components == 0, "two frames");
        require(byteAt(start) == 8, "not 8 bits a sample");
        height = shortAt(start + 1);
        width = shortAt(start + 3);
        int count = byteAt(start + 5);
        require(width > 0 && height > 0, "size " + width + " x " + height);
        require(count == 1 || count == 3, count + " components");
        require(end - start == 6 + 3 * count, "frame header of another length");
        int luma = byteAt(start + 7);
        for (int i = 0; i < count; i++) {
            int at = start + 6 + 3 * i;
            ids[i] = byteAt(at);
            for (int j = 0; j < i; j++) {
                require(ids[j] != ids[i], "two components of one name");
            }
            require(i == 0 || byteAt(at + 1) == 0x11, "chroma of unusual sampling");
            quantiserOf[i] = byteAt(at + 2);
            require(quantiserOf[i] < 4, "quantisation table " + quantiserOf[i]);
        }
        components = count;
        if (count == 1) {
            require(luma == 0x11, "gray of unusual sampling");
            sampling = Sampling.GRAY;
            return;
        }
        sampling = switch (luma) {
            case 0x11 -> Sampling.FULL;
            case 0x21 -> Sampling.HALF_WIDTH;
            case 0x12 -> Sampling.HALF_HEIGHT;
            case 0x22 -> Sampling.QUARTER;
            default -> throw new Refusal("luma of unusual sampling");
        };
    }

    private void quantisationTables(int start, int end) throws Refusal {
        int at = start;
        while (at < end) {
            int which = byteAt(at);
            require(which < 4, "quantisation table of 16 bits or of number " + (which & 15));
            require(at + 65 <= end, "quantisation table of another length");
            for (int i = 1; i <= 64; i++) {
                require(byteAt(at + i) != 0, "quantisation by zero");
            }
            quantisers[which] = true;
            at += 65;
        }
    }

    private void huffmanTables(int start, int end) throws Refusal {
        int at = start;
        while (at < end) {
            require(at + 17 <= end, "Huffman table of another length");
            int which = byteAt(at);
            boolean ac = which >> 4 == 1;
            require(which >> 4 <= 1 && (which & 15) <= 1, "Huffman table " + Integer.toHexString(which));
            int codes = 0;
            int code = 0;
            for (int bits = 1; bits <= 16; bits++) {
                int count = byteAt(at + bits);
                codes += count;
                code += count;
                // no more codes than bits can tell apart, and none of ones alone
                require(count == 0 || code < 1 << bits, "Huffman table with too many codes");
                code <<= 1;
            }
            require(codes > 0 && codes <= (ac ? 162 : 12), "Huffman table of " + codes + " codes");
            require(at + 17 + codes <= end, "Huffman table of another length");
            for (int i = 0; i < codes; i++) {
                int symbol = byteAt(at + 17 + i);
                int category = ac ? symbol & 15 : symbol;
                boolean known = ac
                        ? category <= MOST_AC && (category > 0 || symbol == 0 || symbol == 0xF0)
                        : category <= MOST_DC;
                if (!known) { // words only then: there are hundreds of symbols
                    throw new Refusal("Huffman table with the symbol " + Integer.toHexString(symbol));
                }
            }
            (ac ? acTables : dcTables)[which & 15] = true;
            at += 17 + codes;
        }
    }

    private void scanHeader(int start, int end) throws Refusal {
        require(components > 0, "a scan before its frame");
        require(byteAt(start) == components, "a scan of some components only");
        require(end - start == 4 + 2 * components, "scan header of another length");
        for (int i = 0; i < components; i++) {
            int at = start + 1 + 2 * i;
            require(byteAt(at) == ids[i], "a scan of components in another order");
            int dc = byteAt(at + 1) >> 4;
            int ac = byteAt(at + 1) & 15;
            require(dc < 2 && dcTables[dc] && ac < 2 && acTables[ac], "a scan without its Huffman tables");
            require(quantisers[quantiserOf[i]], "a component without its quantisation table");
        }
        int last = start + 1 + 2 * components;
        require(byteAt(last) == 0 && byteAt(last + 1) == 63 && byteAt(last + 2) == 0, "a partial scan");
        if (components == 3) {
            boolean named = ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B';
            // as libjpeg tells RGB from YCbCr
            require(jfif || (adobeTransform < 0 ? !named : adobeTransform == 1), "RGB components");
        }
    }

    /** Follows the entropy-coded data to the end marker. */
    private void scan(int start) throws Refusal {
        long units = units();
        long expected = interval == 0 ? 0 : (units - 1) / interval;
        long restarts = 0;
        int stuffed = 0;
        int at = start;
        while (true) {
            at = indexOfMark(at);
            require(at >= 0 && at + 1 < bytes.length, "no end marker");
            int next = byteAt(at + 1);
            at += 2;
            if (next == 0) {
                stuffed++;
            } else if (next >= 0xD0 && next <= 0xD7) {
                require(next == 0xD0 + (restarts & 7) && restarts < expected, "restart marker where none belongs");
                restarts++;
            } else {
                require(next == 0xD9, "marker " + Integer.toHexString(next) + " within the scan");
                break;
            }
        }
        require(restarts == expected, restarts + " restart markers instead of " + expected);
        // a block has a DC and an AC code of at least a bit each
        long bits = 8 * (at - 2L - start - stuffed - 2 * restarts);
        require(bits >= 2 * units * blocks(), "too few bytes for its size");
        length = at;
    }

    private int blocks() {
        return switch (sampling) {
            case GRAY -> 1;
            case FULL -> 3;
            case HALF_WIDTH, HALF_HEIGHT -> 4;
            case QUARTER -> 6;
        };
    }

    /** Minimum coded units of the picture. */
    private long units() {
        boolean wide = sampling == Sampling.HALF_WIDTH || sampling == Sampling.QUARTER;
        boolean tall = sampling == Sampling.HALF_HEIGHT || sampling == Sampling.QUARTER;
        int unitWidth = wide ? 16 : 8;
        int unitHeight = tall ? 16 : 8;
        return (long) ((width + unitWidth - 1) / unitWidth) * ((height + unitHeight - 1) / unitHeight);
    }

    /** The next 0xFF at or behind {@code from}; -1 if there is none. */
    private int indexOfMark(int from) {
        int at = from;
        for (; at + 8 <= bytes.length; at += 8) {
            long inverted = ~(long) LONGS.get(bytes, at);
            long zeros = inverted - ONES & ~inverted & HIGHS;
            if (zeros != 0) {
                return at + (Long.numberOfTrailingZeros(zeros) >>> 3);
            }
        }
        for (; at < bytes.length; at++) {
            if (bytes[at] == (byte) 0xFF) {
                return at;
            }
        }
        return -1;
    }
}
