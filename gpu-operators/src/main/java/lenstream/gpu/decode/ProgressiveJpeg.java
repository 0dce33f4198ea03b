package lenstream.gpu.decode;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the coefficients of a progressive JPEG, for a device to make pixels of them. Hardware takes no progressive JPEGs, and
 * reading its many scans is work for a CPU; what reads the bytes here is Java.
 *
 * <p>Takes only what is whole and regular: 8 bits, gray or YCbCr, no restart markers, every scan sound to its last bit and every
 * coefficient sent to its last bit. Whatever is refused here is not thereby broken; the CPU's decoder judges it.
 *
 * <p>Source: ITU-T T.81, annexes F and G. Confined to one thread; reused from image to image.
 */
public final class ProgressiveJpeg {
    /** Above it a picture wants more memory than it saves time. */
    private static final long MOST_PIXELS = 8_000_000;

    /** Encoders write 10 to 16; each one costs a walk over the whole picture. */
    private static final int MOST_SCANS = 64;

    private static final int KEPT_BLOCKS = 1 << 16;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;

    /** Bytes behind a scan that may be looked at. */
    private static final int MARGIN = 16;

    private static final int FAST_BITS = 9;

    /** Coefficient 0 in a mask of a block. */
    private static final long FIRST = 1L << 63;

    /** Of the bits of a coefficient, how many may come after the first ones; encoders send two of luma, one of chroma. */
    private static final int MOST_CORRECTED_BITS = 3;

    /** Bits that are at hand after a load at any bit. */
    private static final int LOADED_BITS = 57;

    /** Ends the reading of one image; without a stack trace, as it is an expected outcome. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;

        Refusal(String why) {
            super(why, null, false, false);
        }
    }

    /** Codes as the decoder looks them up. */
    private static final class Decoding {
        /** Length and symbol by the next bits, 0 where the code is longer. */
        final short[] fast = new short[1 << FAST_BITS];
        /** By length: the largest code, aligned to 16 bits, exclusive. */
        final int[] limit = new int[18];
        /** By length: what to add to a code for the number of its symbol. */
        final int[] offset = new int[17];

        final byte[] symbols = new byte[256];
        boolean defined;

        void define(byte[] bytes, int at, int codes) throws Refusal {
            Arrays.fill(fast, (short) 0);
            System.arraycopy(bytes, at + 16, symbols, 0, codes);
            int code = 0;
            int next = 0;
            for (int length = 1; length <= 16; length++) {
                int count = bytes[at + length - 1] & 0xFF;
                require(count == 0 || code + count < 1 << length, "Huffman table with too many codes");
                offset[length] = next - code;
                for (int i = 0; i < count; i++, code++, next++) {
                    if (length <= FAST_BITS) {
                        int from = code << FAST_BITS - length;
                        Arrays.fill(fast, from, from + (1 << FAST_BITS - length), (short)
                                (length << 8 | symbols[next] & 0xFF));
                    }
                }
                limit[length] = code << 16 - length;
                code <<= 1;
            }
            limit[17] = Integer.MAX_VALUE;
            defined = true;
        }
    }

    private static final class Component {
        int id;
        int wide;
        int tall;
        int quantiser;
        /** Blocks a row, up to whole units. */
        int stride;
        /** Blocks that the picture reaches into. */
        int columns;

        int rows;
        /** Position of its first block in {@link #coefficients}, in blocks. */
        int start;

        int predicted;
        /** By coefficient: the lowest bit that was sent; -1 before any. */
        final int[] sent = new int[64];
    }

    private final CoefficientArrays arrays;
    private final Decoding[] dc = {new Decoding(), new Decoding(), new Decoding(), new Decoding()};
    private final Decoding[] ac = {new Decoding(), new Decoding(), new Decoding(), new Decoding()};
    private final Component[] frame = {new Component(), new Component(), new Component()};
    private final byte[][] quantisers = new byte[4][];
    private short[] coefficients = {};
    /** By block: the AC coefficients that are not zero, a bit each, the highest one for coefficient 0. */
    private long[] occupied = {};

    /** By bit of a coefficient, then by block: where that bit is added, in the order of {@link #occupied}. */
    private long[] corrections = {};

    private int blocks;
    /** Bits below the first one sent, of the component that has most of them. */
    private int correctedBits;

    private byte[] scan = {};
    private byte[] bytes = {};
    private int components;
    private int width;
    private int height;
    private int unitColumns;
    private int unitRows;
    private int scans;
    private long position;
    private long end;
    private int run;
    private boolean jfif;
    private int adobeTransform;
    private @Nullable String refusal;

    ProgressiveJpeg(CoefficientArrays arrays) {
        this.arrays = arrays;
    }

    /** Whether the bytes are a progressive JPEG as far as its frame header. */
    public static boolean is(byte[] jpeg) {
        if (jpeg.length < 4 || jpeg[0] != (byte) 0xFF || jpeg[1] != (byte) 0xD8) {
            return false;
        }
        int at = 2;
        while (at + 4 <= jpeg.length && jpeg[at] == (byte) 0xFF) {
            int marker = jpeg[at + 1] & 0xFF;
            if (marker == 0xFF) {
                at++;
                continue;
            }
            if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
                return marker == 0xC2;
            }
            at += 2 + ((jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF);
        }
        return false;
    }

    /**
     * Reads an image.
     *
     * @param jpeg borrowed for the time of the call
     * @return its coefficients, which the caller owns; null if it is refused, {@link #refusal()} says why
     */
    public Unfinished.@Nullable Jpeg read(byte[] jpeg) {
        bytes = jpeg;
        refusal = null;
        components = 0;
        scans = 0;
        jfif = false;
        adobeTransform = -1;
        Arrays.fill(quantisers, null);
        for (int i = 0; i < 4; i++) {
            dc[i].defined = false;
            ac[i].defined = false;
        }
        try {
            read();
            return finished();
        } catch (Refusal e) {
            refusal = e.getMessage();
            return null;
        } catch (IndexOutOfBoundsException e) {
            refusal = "it ends within a scan or a header";
            return null;
        } finally {
            bytes = new byte[0];
            arrays.give(coefficients, corrections);
            coefficients = new short[0];
            corrections = new long[0];
            if (occupied.length > KEPT_BLOCKS) {
                occupied = new long[0];
            }
        }
    }

    /** Why the last image was refused; null if it was not. */
    public @Nullable String refusal() {
        return refusal;
    }

    private boolean startsWith(int start, int behind, String text) {
        if (behind - start < text.length()) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (byteAt(start + i) != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private static void require(boolean holds, String otherwise) throws Refusal {
        if (!holds) {
            throw new Refusal(otherwise);
        }
    }

    private int byteAt(int at) {
        return bytes[at] & 0xFF;
    }

    private int shortAt(int at) {
        return byteAt(at) << 8 | byteAt(at + 1);
    }

    private void read() throws Refusal {
        require(shortAt(0) == 0xFFD8, "it does not start with a start marker");
        int at = 2;
        while (true) {
            require(byteAt(at) == 0xFF, "no marker where one belongs");
            int marker = byteAt(at + 1);
            if (marker == 0xFF) { // fill byte
                at++;
                continue;
            }
            if (marker == 0xD9) {
                return;
            }
            int size = shortAt(at + 2);
            int start = at + 4;
            int behind = at + 2 + size;
            require(size >= 2 && behind <= bytes.length, "segment of " + size + " bytes");
            switch (marker) {
                case 0xC2 -> frame(start, behind);
                case 0xC4 -> huffmanTables(start, behind);
                case 0xDB -> quantisationTables(start, behind);
                case 0xDD -> require(size == 4 && shortAt(start) == 0, "restart markers");
                case 0xDA -> behind = scan(start, behind);
                case 0xE0 -> jfif |= startsWith(start, behind, "JFIF\0");
                case 0xEE -> {
                    if (startsWith(start, behind, "Adobe") && behind - start >= 12) {
                        adobeTransform = byteAt(start + 11);
                    }
                }
                default -> require(marker == 0xFE || marker > 0xE0 && marker <= 0xEF, "marker " + marker);
            }
            at = behind;
        }
    }

    private void frame(int start, int behind) throws Refusal {
        require(components == 0, "two frames");
        require(byteAt(start) == 8, "not 8 bits a sample");
        height = shortAt(start + 1);
        width = shortAt(start + 3);
        int count = byteAt(start + 5);
        require(width > 0 && height > 0 && (long) width * height <= MOST_PIXELS, width + " x " + height);
        require((count == 1 || count == 3) && behind - start == 6 + 3 * count, count + " components");
        for (int i = 0; i < count; i++) {
            Component component = frame[i];
            int at = start + 6 + 3 * i;
            component.id = byteAt(at);
            for (int j = 0; j < i; j++) {
                require(frame[j].id != component.id, "two components of one name");
            }
            component.wide = byteAt(at + 1) >> 4;
            component.tall = byteAt(at + 1) & 15;
            component.quantiser = byteAt(at + 2);
            require(component.quantiser < 4, "quantisation table " + component.quantiser);
            int most = i == 0 && count == 3 ? 2 : 1;
            require(
                    component.wide >= 1 && component.wide <= most && component.tall >= 1 && component.tall <= most,
                    "unusual sampling");
            Arrays.fill(component.sent, -1);
        }
        int wide = frame[0].wide;
        int tall = frame[0].tall;
        unitColumns = (width + 8 * wide - 1) / (8 * wide);
        unitRows = (height + 8 * tall - 1) / (8 * tall);
        blocks = 0;
        for (int i = 0; i < count; i++) {
            Component component = frame[i];
            component.stride = unitColumns * component.wide;
            component.columns = ((width * component.wide + wide - 1) / wide + 7) / 8;
            component.rows = ((height * component.tall + tall - 1) / tall + 7) / 8;
            component.start = blocks;
            blocks += component.stride * unitRows * component.tall;
        }
        coefficients = arrays.take(64 * blocks);
        corrections = arrays.takeMasks(MOST_CORRECTED_BITS * blocks);
        correctedBits = 0;
        if (occupied.length < blocks) {
            occupied = new long[blocks];
        } else {
            Arrays.fill(occupied, 0, blocks, 0);
        }
        components = count;
    }

    private void quantisationTables(int start, int behind) throws Refusal {
        require(scans == 0, "quantisation tables between scans");
        for (int at = start; at < behind; at += 65) {
            int which = byteAt(at);
            require(which < 4 && at + 65 <= behind, "quantisation table of 16 bits");
            quantisers[which] = Arrays.copyOfRange(bytes, at + 1, at + 65);
        }
    }

    private void huffmanTables(int start, int behind) throws Refusal {
        int at = start;
        while (at < behind) {
            int which = byteAt(at);
            require(which >> 4 <= 1 && (which & 15) <= 3 && at + 17 <= behind, "Huffman table " + which);
            int codes = 0;
            for (int i = 1; i <= 16; i++) {
                codes += byteAt(at + i);
            }
            require(codes > 0 && codes <= 256 && at + 17 + codes <= behind, "Huffman table of " + codes + " codes");
            (which >> 4 == 1 ? ac : dc)[which & 15].define(bytes, at + 1, codes);
            at += 17 + codes;
        }
    }

    /** Reads a scan; returns where the next marker is. */
    private int scan(int start, int behind) throws Refusal {
        require(components > 0, "a scan before its frame");
        int count = byteAt(start);
        require(count >= 1 && count <= components && behind - start == 4 + 2 * count, "scan header");
        int from = byteAt(start + 1 + 2 * count);
        int to = byteAt(start + 2 + 2 * count);
        int high = byteAt(start + 3 + 2 * count) >> 4;
        int low = byteAt(start + 3 + 2 * count) & 15;
        require(
                from == 0 ? to == 0 && (count == 1 || count == components) : count == 1 && to >= from && to < 64,
                "spectral selection");
        require(low <= 13 && (high == 0 || high == low + 1), "successive approximation");
        var of = new Component[count];
        var tables = new Decoding[count];
        for (int i = 0; i < count; i++) {
            int at = start + 1 + 2 * i;
            for (int j = 0; j < components; j++) {
                if (frame[j].id == byteAt(at) && of[i] == null) {
                    require(count == 1 || j == i, "components in another order");
                    of[i] = frame[j];
                }
            }
            require(of[i] != null, "a scan of an unknown component");
            int which = from == 0 ? byteAt(at + 1) >> 4 : byteAt(at + 1) & 15;
            require(which < 4, "Huffman table " + which);
            tables[i] = (from == 0 ? dc : ac)[which];
            require(tables[i].defined || from == 0 && high > 0, "a scan without its Huffman table");
            for (int k = from; k <= to; k++) {
                require(of[i].sent[k] == (high == 0 ? -1 : high), "bits in another order");
                of[i].sent[k] = low;
            }
            require(from == 0 || of[i].sent[0] >= 0, "AC before DC");
        }
        require(++scans <= MOST_SCANS, "more than " + MOST_SCANS + " scans");
        int next = unstuff(behind);
        run = 0;
        if (from == 0) {
            dcScan(of, tables, high, low);
        } else if (high == 0) {
            acFirst(of[0], tables[0], from, to, low);
        } else {
            require(low < MOST_CORRECTED_BITS, "coefficients in more steps than usual");
            correctedBits = Math.max(correctedBits, low + 1);
            acAgain(of[0], tables[0], from, to, low);
        }
        require(run == 0 && position <= end && end - position < 8, "a scan of another length");
        return next;
    }

    /** Copies entropy-coded bytes without their stuffing up to the next marker, whose position it returns. */
    private int unstuff(int start) throws Refusal {
        if (scan.length < bytes.length - start + MARGIN) {
            scan = new byte[bytes.length - start + MARGIN + 4096];
        }
        int at = start;
        int to = 0;
        while (true) {
            int mark = at;
            while (mark + 8 <= bytes.length) {
                long inverted = ~(long) LONGS.get(bytes, mark);
                if ((inverted - ONES & ~inverted & HIGHS) != 0) {
                    break;
                }
                mark += 8;
            }
            while (bytes[mark] != (byte) 0xFF) {
                mark++;
            }
            System.arraycopy(bytes, at, scan, to, mark - at);
            to += mark - at;
            int next = byteAt(mark + 1);
            if (next == 0) {
                scan[to++] = (byte) 0xFF;
                at = mark + 2;
                continue;
            }
            require(next < 0xD0 || next > 0xD7, "restart markers");
            Arrays.fill(scan, to, to + MARGIN, (byte) 0);
            position = 0;
            end = 8L * to;
            return mark;
        }
    }

    /** Length and symbol of a code that is longer than the table of fast ones. */
    private static int longEntry(Decoding table, int ahead) throws Refusal {
        int length = FAST_BITS + 1;
        while (ahead >= table.limit[length]) {
            length++;
        }
        require(length <= 16, "a code that its table does not have");
        return length << 8 | table.symbols[(ahead >> 16 - length) + table.offset[length]] & 0xFF;
    }

    private void dcScan(Component[] of, Decoding[] tables, int high, int low) throws Refusal {
        for (Component component : of) {
            component.predicted = 0;
        }
        long at = position;
        if (of.length == 1) {
            Component component = of[0];
            for (int y = 0; y < component.rows; y++) {
                int row = component.start + y * component.stride;
                for (int x = 0; x < component.columns; x++) {
                    at = dcBlock(at, component, tables[0], row + x, high, low);
                }
                require(at <= end, "a scan that ends early");
            }
            position = at;
            return;
        }
        for (int unitY = 0; unitY < unitRows; unitY++) {
            for (int unitX = 0; unitX < unitColumns; unitX++) {
                for (int i = 0; i < of.length; i++) {
                    Component component = of[i];
                    for (int y = 0; y < component.tall; y++) {
                        int row = component.start + (unitY * component.tall + y) * component.stride;
                        for (int x = 0; x < component.wide; x++) {
                            at = dcBlock(at, component, tables[i], row + unitX * component.wide + x, high, low);
                        }
                    }
                }
            }
            require(at <= end, "a scan that ends early");
        }
        position = at;
    }

    /** Reads a block's part of a DC scan that begins at bit {@code at}; returns where the next one begins. */
    private long dcBlock(long at, Component component, Decoding table, int block, int high, int low) throws Refusal {
        if (high > 0) {
            int bit = scan[(int) (at >>> 3)] >>> (~at & 7) & 1;
            coefficients[64 * block] |= (short) (bit << low);
            return at + 1;
        }
        long ahead = (long) LONGS.get(scan, (int) (at >>> 3)) << (at & 7);
        int entry = table.fast[(int) (ahead >>> 64 - FAST_BITS)];
        if (entry == 0) {
            entry = longEntry(table, (int) (ahead >>> 48));
        }
        int length = entry >> 8;
        int size = entry & 0xFF;
        require(size <= 11, "a difference of too many bits");
        if (size > 0) { // T.81, F.2.2.1
            int value = (int) (ahead << length >>> 64 - size);
            component.predicted += value < 1 << size - 1 ? value - (1 << size) + 1 : value;
        }
        int value = component.predicted << low;
        require(value == (short) value, "a DC coefficient out of range");
        coefficients[64 * block] = (short) value;
        return at + length + size;
    }

    /** Fields are copied to local variables here and below: a store of the position after every code would hold up the next. */
    private void acFirst(Component component, Decoding table, int from, int to, int low) throws Refusal {
        byte[] in = scan;
        short[] values = coefficients;
        short[] fast = table.fast;
        long at = position;
        for (int y = 0; y < component.rows; y++) {
            int block = component.start + y * component.stride;
            int behind = block + component.columns;
            for (; block < behind; block++) {
                if (run > 0) { // the rest of the run at once
                    int skipped = Math.min(run, behind - block);
                    run -= skipped;
                    block += skipped - 1;
                    continue;
                }
                long mask = occupied[block];
                for (int k = from; k <= to; k++) {
                    long ahead = (long) LONGS.get(in, (int) (at >>> 3)) << (at & 7);
                    int entry = fast[(int) (ahead >>> 64 - FAST_BITS)];
                    if (entry == 0) {
                        entry = longEntry(table, (int) (ahead >>> 48));
                    }
                    int length = entry >> 8;
                    int zeros = entry >> 4 & 15;
                    int size = entry & 15;
                    if (size == 0) {
                        at += length;
                        if (zeros < 15) {
                            run = (1 << zeros) - 1;
                            if (zeros > 0) {
                                run += (int) (ahead << length >>> 64 - zeros);
                                at += zeros;
                            }
                            break;
                        }
                        k += 15;
                        continue;
                    }
                    k += zeros;
                    require(k <= to, "more coefficients than a block has");
                    int value = (int) (ahead << length >>> 64 - size);
                    at += length + size;
                    values[64 * block + k] = (short) ((value < 1 << size - 1 ? value - (1 << size) + 1 : value) << low);
                    mask |= FIRST >>> k;
                }
                occupied[block] = mask;
            }
            require(at <= end, "a scan that ends early");
        }
        position = at;
    }

    /**
     * The next bit of what is not zero already, and what is no longer zero (T.81, G.1.2.3). Bits of known coefficients lie between
     * the codes, one for each that a code passes; they are put in their places all at once and added later, by whoever makes
     * pixels: coefficient by coefficient they would take longer than all else.
     */
    private void acAgain(Component component, Decoding table, int from, int to, int low) throws Refusal {
        byte[] in = scan;
        short[] values = coefficients;
        short[] fast = table.fast;
        long[] added = corrections;
        int plane = low * blocks;
        long within = -1L >>> from & -1L << 63 - to;
        long at = position;
        int ended = 0; // blocks that have no more codes
        for (int y = 0; y < component.rows; y++) {
            int row = component.start + y * component.stride;
            for (int block = row; block < row + component.columns; block++) {
                long mask = occupied[block];
                long known = mask & within;
                long left = within; // what no code has passed yet
                long bits = 0;
                while (left != 0 && ended == 0) {
                    long ahead = (long) LONGS.get(in, (int) (at >>> 3)) << (at & 7);
                    int entry = fast[(int) (ahead >>> 64 - FAST_BITS)];
                    if (entry == 0) {
                        entry = longEntry(table, (int) (ahead >>> 48));
                    }
                    int length = entry >> 8;
                    int zeros = entry >> 4 & 15;
                    int size = entry & 15;
                    at += length;
                    if (size == 0 && zeros < 15) {
                        ended = 1 << zeros;
                        if (zeros > 0) {
                            ended += (int) (ahead << length >>> 64 - zeros);
                            at += zeros;
                        }
                        break;
                    }
                    require(size <= 1, "a new coefficient of several bits");
                    at += size;
                    long free = left & ~known;
                    int after = Long.bitCount(free) - 1 - zeros; // zeros behind the one that the code is about
                    long passed = known & left;
                    if (after >= 0) {
                        long here = Long.expand(1L << after, free);
                        passed &= -(here << 1);
                        left = within & here - 1;
                        if (size == 1) {
                            values[64 * block + Long.numberOfLeadingZeros(here)] =
                                    (short) ((ahead << length < 0 ? 1 : -1) << low);
                            mask |= here;
                        }
                    } else {
                        require(size == 0, "more coefficients than a block has");
                        left = 0;
                    }
                    // without a jump where nothing is passed, as every third code passes something
                    int count = Long.bitCount(passed);
                    long next = count <= 32 ? ahead << length + size >>> 1 >>> 63 - count : bits(in, at, count);
                    bits |= Long.expand(next, passed);
                    at += count;
                }
                if (ended > 0) {
                    ended--;
                    long passed = known & left;
                    if (passed != 0) {
                        int count = Long.bitCount(passed);
                        bits |= Long.expand(bits(in, at, count), passed);
                        at += count;
                    }
                }
                occupied[block] = mask;
                added[plane + block] |= bits;
            }
            require(at <= end, "a scan that ends early");
        }
        run = ended;
        position = at;
    }

    /** The next 1 to 64 bits. */
    private static long bits(byte[] in, long at, int count) {
        if (count > LOADED_BITS) {
            return bits(in, at, 32) << count - 32 | bits(in, at + 32, count - 32);
        }
        return (long) LONGS.get(in, (int) (at >>> 3)) << (at & 7) >>> 64 - count;
    }

    private Unfinished.Jpeg finished() throws Refusal {
        require(scans > 0, "no scan");
        var tables = new byte[3][];
        for (int i = 0; i < components; i++) {
            for (int sent : frame[i].sent) {
                require(sent == 0, "coefficients that were not sent to the last bit");
            }
            byte[] table = quantisers[frame[i].quantiser];
            require(table != null, "a component without its quantisation table");
            tables[i] = table;
        }
        if (components == 3) { // as libjpeg tells RGB from YCbCr
            boolean named = frame[0].id == 'R' && frame[1].id == 'G' && frame[2].id == 'B';
            require(jfif || (adobeTransform < 0 ? !named : adobeTransform == 1), "RGB components");
        }
        short[] handedOut = coefficients;
        long[] corrected = corrections;
        coefficients = new short[0];
        corrections = new long[0];
        return new Unfinished.Jpeg(
                handedOut,
                corrected,
                correctedBits,
                width,
                height,
                components,
                frame[0].wide,
                frame[0].tall,
                frame[0].stride,
                unitRows * frame[0].tall,
                unitColumns,
                unitRows,
                tables,
                arrays);
    }
}
