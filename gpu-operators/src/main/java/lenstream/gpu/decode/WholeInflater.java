package lenstream.gpu.decode;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.Adler32;

/**
 * Inflates a zlib stream that lies whole in memory and whose inflated length is known. Photographs in PNG are literals for
 * the most part, of 7 to 9 bits each: three of them are taken from one load, where zlib, which may stop at any byte, looks at
 * each by itself.
 *
 * <p>Takes only what is sound to the last bit, checksum included. What is refused is not thereby broken. Source: RFC 1950 and
 * RFC 1951; the loop follows that of libdeflate. Confined to one thread; reused from stream to stream.
 */
final class WholeInflater {
    /** Bytes behind the compressed ones, of any value, that may be read. */
    static final int INPUT_MARGIN = 32;

    /** Bytes behind the inflated ones that may be written. */
    static final int OUTPUT_MARGIN = 288;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int MOST_SYMBOLS = 320;
    private static final int LONGEST_CODE = 15;

    /** Three literals of so many bits, or two and a length of 20, fit into the 56 that are there after each load. */
    private static final int LITERAL_BITS = 11;

    private static final int DISTANCE_BITS = 9;
    private static final int LENGTHS_BITS = 7;

    // An entry: the bits that are done with it in the lowest six, where a shift of a long looks for them, then kind and
    // value.
    private static final int LENGTH = 1 << 6;
    private static final int LONGER = 1 << 7;
    private static final int END = 1 << 8;
    /** A length or distance; its extra bits in the four bits above, which are part of the bits that are done with it. */
    private static final int EXTRA_SHIFT = 10;

    private static final int VALUE_SHIFT = 16;
    private static final int BAD = LENGTH | LONGER | END;

    private static final int BITS = 63;
    private static final int LITERAL_MASK = (1 << LITERAL_BITS) - 1;
    private static final int DISTANCE_MASK = (1 << DISTANCE_BITS) - 1;

    private static final int[] CODE_ORDER = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

    private static final int[] LITERALS = new int[288];
    private static final int[] DISTANCES = new int[32];
    private static final int[] CODE_LENGTHS = new int[19];

    static {
        for (int i = 0; i < 256; i++) {
            LITERALS[i] = i << VALUE_SHIFT;
        }
        LITERALS[256] = LENGTH | END;
        int base = 3;
        for (int i = 257; i < 285; i++) {
            int extra = i < 265 ? 0 : (i - 261) / 4;
            LITERALS[i] = base << VALUE_SHIFT | extra << EXTRA_SHIFT | LENGTH;
            base += 1 << extra;
        }
        LITERALS[285] = 258 << VALUE_SHIFT | LENGTH;
        LITERALS[286] = BAD;
        LITERALS[287] = BAD;
        DISTANCES[30] = BAD;
        DISTANCES[31] = BAD;
        base = 1;
        for (int i = 0; i < 30; i++) {
            int extra = i < 4 ? 0 : (i - 2) / 2;
            DISTANCES[i] = base << VALUE_SHIFT | extra << EXTRA_SHIFT | LENGTH;
            base += 1 << extra;
        }
        for (int i = 0; i < 19; i++) {
            CODE_LENGTHS[i] = i << VALUE_SHIFT;
        }
    }

    // the longest codes of a table need at most as many entries behind it as there are symbols times what their rest
    // spans
    private final int[] literals = new int[(1 << LITERAL_BITS) + (MOST_SYMBOLS << LONGEST_CODE - LITERAL_BITS)];
    private final int[] distances = new int[(1 << DISTANCE_BITS) + (32 << LONGEST_CODE - DISTANCE_BITS)];
    private final int[] codeLengths = new int[1 << LENGTHS_BITS];
    private final byte[] lengths = new byte[MOST_SYMBOLS];
    private final int[] counts = new int[LONGEST_CODE + 2];
    private final int[] sorted = new int[MOST_SYMBOLS];
    private final Adler32 adler = new Adler32();

    /** How many bits of the stream are done with; only between blocks. */
    private long position;

    /**
     * Inflates a stream.
     *
     * @param in from {@code start} to {@code end} the stream, behind it {@link #INPUT_MARGIN} bytes
     * @param out has {@link #OUTPUT_MARGIN} bytes of room behind {@code length}
     * @param length of the inflated data
     * @return whether the stream is sound and has exactly that length
     */
    boolean inflate(byte[] in, int start, int end, byte[] out, int length) {
        if (end - start < 6 || !header(in[start] & 0xFF, in[start + 1] & 0xFF)) {
            return false;
        }
        position = 8L * (start + 2);
        int at = 0;
        boolean last;
        do {
            long ahead = ahead(in, end);
            last = (ahead & 1) != 0;
            int kind = (int) (ahead >>> 1) & 3;
            position += 3;
            if (kind == 0) {
                at = stored(in, end, out, at, length);
            } else if (kind == 3 || kind == 2 && !readTables(in, end)) {
                return false;
            } else {
                if (kind == 1) {
                    fixedTables();
                }
                at = block(in, end, out, at, length);
            }
            if (at < 0 || position > 8L * end) {
                return false;
            }
        } while (!last);
        int check = (int) (position + 7 >>> 3);
        if (at != length || check + 4 > end) {
            return false;
        }
        adler.reset();
        adler.update(out, 0, length);
        int stated =
                in[check] << 24 | (in[check + 1] & 0xFF) << 16 | (in[check + 2] & 0xFF) << 8 | in[check + 3] & 0xFF;
        return (int) adler.getValue() == stated;
    }

    /** Deflate, a window of at most 32 KiB, no dictionary. */
    private static boolean header(int first, int second) {
        return (first & 15) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0 && (second & 0x20) == 0;
    }

    private long ahead(byte[] in, int end) {
        int at = (int) (position >>> 3);
        return at > end ? 0 : (long) LONGS.get(in, at) >>> (position & 7);
    }

    private int stored(byte[] in, int end, byte[] out, int at, int length) {
        int from = (int) (position + 7 >>> 3);
        if (from + 4 > end) {
            return -1;
        }
        int count = in[from] & 0xFF | (in[from + 1] & 0xFF) << 8;
        int inverse = in[from + 2] & 0xFF | (in[from + 3] & 0xFF) << 8;
        if (count != (~inverse & 0xFFFF) || count > end - from - 4 || count > length - at) {
            return -1;
        }
        System.arraycopy(in, from + 4, out, at, count);
        position = 8L * (from + 4 + count);
        return at + count;
    }

    private void fixedTables() {
        Arrays.fill(lengths, 0, 144, (byte) 8);
        Arrays.fill(lengths, 144, 256, (byte) 9);
        Arrays.fill(lengths, 256, 280, (byte) 7);
        Arrays.fill(lengths, 280, 288, (byte) 8);
        build(literals, LITERAL_BITS, 0, 288, LITERALS);
        Arrays.fill(lengths, 0, 32, (byte) 5);
        build(distances, DISTANCE_BITS, 0, 32, DISTANCES);
    }

    private boolean readTables(byte[] in, int end) {
        long ahead = ahead(in, end);
        int literalCount = 257 + ((int) ahead & 31);
        int distanceCount = 1 + ((int) (ahead >>> 5) & 31);
        int codeCount = 4 + ((int) (ahead >>> 10) & 15);
        if (literalCount > 286 || distanceCount > 30) {
            return false;
        }
        position += 14;
        Arrays.fill(lengths, 0, 19, (byte) 0);
        for (int i = 0; i < codeCount; i++) {
            lengths[CODE_ORDER[i]] = (byte) (ahead(in, end) & 7);
            position += 3;
        }
        if (!build(codeLengths, LENGTHS_BITS, 0, 19, CODE_LENGTHS)) {
            return false;
        }
        int all = literalCount + distanceCount;
        int done = 0;
        while (done < all) {
            long bits = ahead(in, end);
            int entry = codeLengths[(int) bits & (1 << LENGTHS_BITS) - 1];
            if ((entry & LONGER) != 0 || position > 8L * end) {
                return false;
            }
            int used = entry & BITS;
            int symbol = entry >>> VALUE_SHIFT;
            if (symbol < 16) {
                position += used;
                lengths[done++] = (byte) symbol;
                continue;
            }
            int extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
            int times = (symbol == 18 ? 11 : 3) + ((int) (bits >>> used) & (1 << extra) - 1);
            if (times > all - done || symbol == 16 && done == 0) {
                return false;
            }
            Arrays.fill(lengths, done, done + times, symbol == 16 ? lengths[done - 1] : 0);
            done += times;
            position += used + extra;
        }
        return lengths[256] != 0
                && build(literals, LITERAL_BITS, 0, literalCount, LITERALS)
                && build(distances, DISTANCE_BITS, literalCount, distanceCount, DISTANCES);
    }

    /**
     * Makes the table of a complete code, or of a code of one symbol of one bit, or of none.
     *
     * @param from where its lengths begin
     * @param values entries by symbol, without the bits of their codes
     * @return false if it is no such code
     */
    private boolean build(int[] table, int bits, int from, int symbols, int[] values) {
        Arrays.fill(counts, 0);
        for (int i = from; i < from + symbols; i++) {
            counts[lengths[i] + 1]++;
        }
        int zeros = counts[1];
        counts[1] = 0;
        long space = 0;
        for (int length = 1; length <= LONGEST_CODE; length++) {
            space += (long) counts[length + 1] << LONGEST_CODE - length;
        }
        int used = symbols - zeros;
        boolean single = used == 1 && counts[2] == 1;
        if (space != 1 << LONGEST_CODE && used != 0 && !single) {
            return false;
        }
        Arrays.fill(table, 0, 1 << bits, BAD);
        for (int length = 1; length <= LONGEST_CODE; length++) { // where the symbols of each length begin
            counts[length] += counts[length - 1];
        }
        for (int i = 0; i < symbols; i++) {
            int length = lengths[from + i];
            if (length != 0) {
                sorted[counts[length]++] = i;
            }
        }
        int code = 0; // the lowest bit is the first one
        int next = 1 << bits;
        int behind = 0; // the table behind the first that codes are put into
        int prefix = -1;
        int behindBits = 0;
        for (int i = 0; i < used; i++) {
            int symbol = sorted[i];
            int length = lengths[from + symbol];
            int value = values[symbol];
            if (length <= bits) {
                int entry = entry(value, length);
                for (int at = code; at < 1 << bits; at += 1 << length) {
                    table[at] = entry;
                }
            } else {
                int low = code & (1 << bits) - 1;
                if (low != prefix) {
                    prefix = low;
                    behind = next;
                    behindBits = behindBits(i, used, from, bits);
                    next += 1 << behindBits;
                    table[low] = behind << VALUE_SHIFT | behindBits << EXTRA_SHIFT | LENGTH | LONGER;
                }
                int entry = entry(value, length);
                for (int at = code >>> bits; at < 1 << behindBits; at += 1 << length - bits) {
                    table[behind + at] = entry;
                }
            }
            // the next code, whose bits are counted from the top; the lowest is first in the stream
            int mask = 1 << length - 1;
            while ((code & mask) != 0) {
                code ^= mask;
                mask >>>= 1;
            }
            code |= mask;
        }
        return true;
    }

    /** Bits of the table behind the first for the codes that begin as that of the {@code i}-th symbol. */
    private int behindBits(int i, int used, int from, int bits) {
        int most = lengths[from + sorted[i]] - bits;
        long left = 1L << most;
        for (int k = i; k < used; k++) {
            int length = lengths[from + sorted[k]] - bits;
            if (length > most) {
                left <<= length - most;
                most = length;
            }
            if (--left == 0) {
                break;
            }
        }
        return most;
    }

    private static int entry(int value, int length) {
        return value + length + (value >>> EXTRA_SHIFT & 15); // the extra bits go with those of the code
    }

    /**
     * Inflates up to the end of a block.
     *
     * @return how many bytes there are then, negative if the block is not sound
     */
    private int block(byte[] in, int end, byte[] out, int start, int length) {
        int[] literalTable = literals;
        int[] distanceTable = distances;
        int next = (int) (position >>> 3);
        // the next bits of the stream; above those that `held` counts there may be more, the same that come with the
        // next load
        long bits = (long) LONGS.get(in, next) >>> (position & 7);
        int held = 56 - (int) (position & 7);
        next += 7;
        int at = start;
        while (true) {
            int entry = literalTable[(int) bits & LITERAL_MASK];
            if ((entry & LENGTH) == 0) {
                out[at] = (byte) (entry >>> VALUE_SHIFT);
                bits >>>= entry;
                held -= entry & BITS;
                entry = literalTable[(int) bits & LITERAL_MASK];
                if ((entry & LENGTH) == 0) {
                    out[at + 1] = (byte) (entry >>> VALUE_SHIFT);
                    bits >>>= entry;
                    held -= entry & BITS;
                    entry = literalTable[(int) bits & LITERAL_MASK];
                    if ((entry & LENGTH) == 0) {
                        out[at + 2] = (byte) (entry >>> VALUE_SHIFT);
                        bits >>>= entry;
                        held -= entry & BITS;
                        if (next > end + 8 || at > length) {
                            return -1;
                        }
                        bits |= (long) LONGS.get(in, next) << held;
                        next += 63 - held >>> 3;
                        held |= 56;
                        at += 3;
                        continue;
                    }
                    at += 2;
                } else {
                    at++;
                }
            }
            if ((entry & LONGER) != 0) {
                if ((entry & END) != 0) {
                    return -1;
                }
                entry = literalTable[
                        (entry >>> VALUE_SHIFT)
                                + ((int) (bits >>> LITERAL_BITS) & (1 << (entry >>> EXTRA_SHIFT & 15)) - 1)];
                if ((entry & LONGER) != 0) {
                    return -1;
                }
                if ((entry & LENGTH) == 0) {
                    out[at++] = (byte) (entry >>> VALUE_SHIFT);
                    bits >>>= entry;
                    held -= entry & BITS;
                    if (next > end + 8 || at > length) {
                        return -1;
                    }
                    bits |= (long) LONGS.get(in, next) << held;
                    next += 63 - held >>> 3;
                    held |= 56;
                    continue;
                }
            }
            if ((entry & END) != 0) {
                position = 8L * next - held + (entry & BITS);
                return at;
            }
            int extra = entry >>> EXTRA_SHIFT & 15;
            int count = (entry >>> VALUE_SHIFT) + ((int) (bits >>> (entry & BITS) - extra) & (1 << extra) - 1);
            bits >>>= entry;
            held -= entry & BITS;
            if (next > end + 8) {
                return -1;
            }
            bits |= (long) LONGS.get(in, next) << held;
            next += 63 - held >>> 3;
            held |= 56;
            entry = distanceTable[(int) bits & DISTANCE_MASK];
            if ((entry & LONGER) != 0) {
                if ((entry & END) != 0) {
                    return -1;
                }
                entry = distanceTable[
                        (entry >>> VALUE_SHIFT)
                                + ((int) (bits >>> DISTANCE_BITS) & (1 << (entry >>> EXTRA_SHIFT & 15)) - 1)];
                if ((entry & LONGER) != 0) {
                    return -1;
                }
            }
            extra = entry >>> EXTRA_SHIFT & 15;
            int distance = (entry >>> VALUE_SHIFT) + ((int) (bits >>> (entry & BITS) - extra) & (1 << extra) - 1);
            bits >>>= entry;
            held -= entry & BITS;
            bits |= (long) LONGS.get(in, next) << held;
            next += 63 - held >>> 3;
            held |= 56;
            if (distance > at || count > length - at) {
                return -1;
            }
            copy(out, at, distance, count);
            at += count;
        }
    }

    /** May write up to 7 bytes more than {@code count}. */
    private static void copy(byte[] out, int at, int distance, int count) {
        int from = at - distance;
        if (distance >= 8) {
            for (int i = 0; i < count; i += 8) {
                LONGS.set(out, at + i, (long) LONGS.get(out, from + i));
            }
        } else if (distance == 1) {
            Arrays.fill(out, at, at + count, out[from]);
        } else {
            for (int i = 0; i < count; i++) {
                out[at + i] = out[from + i];
            }
        }
    }
}
