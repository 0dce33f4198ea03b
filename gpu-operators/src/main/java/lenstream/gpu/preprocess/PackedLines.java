package lenstream.gpu.preprocess;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Lines of pixels, one {@code 0x00BBGGRR} an int, made from interleaved RGB bytes and turned back into them. */
final class PackedLines {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private PackedLines() {}

    /** {@code lines} itself if it holds {@code count} lines of {@code length}, else larger ones with arbitrary contents. */
    static int[][] room(int[][] lines, int count, int length) {
        int oldLength = lines.length == 0 ? 0 : lines[0].length;
        if (lines.length >= count && oldLength >= length) {
            return lines;
        }
        return new int[Math.max(lines.length, count)][Math.max(oldLength, length)];
    }

    /** Reads {@code length} pixels of a row. */
    static void pack(byte[] rgb, int from, int[] line, int length) {
        for (int x = 0; x < length; x++) {
            line[x] = pixel(rgb, from + 3 * x);
        }
    }

    /** Writes {@code length} pixels of a row. */
    static void unpack(int[] line, int length, byte[] rgb, int to) {
        for (int x = 0, at = to; x < length; x++, at += 3) {
            int pixel = line[x];
            rgb[at] = (byte) pixel;
            rgb[at + 1] = (byte) (pixel >> 8);
            rgb[at + 2] = (byte) (pixel >> 16);
        }
    }

    /** Reads {@code columns} x {@code rows} pixels, a line a column. Four columns a round share the bytes in the cache. */
    static void turn(byte[] rgb, int from, int stride, int columns, int rows, int[][] lines) {
        int x = 0;
        for (; x + 4 <= columns; x += 4) {
            int[] a = lines[x];
            int[] b = lines[x + 1];
            int[] c = lines[x + 2];
            int[] d = lines[x + 3];
            for (int y = 0, at = from + 3 * x; y < rows; y++, at += stride) {
                a[y] = pixel(rgb, at);
                b[y] = pixel(rgb, at + 3);
                c[y] = pixel(rgb, at + 6);
                d[y] = pixel(rgb, at + 9);
            }
        }
        for (; x < columns; x++) {
            int[] line = lines[x];
            for (int y = 0, at = from + 3 * x; y < rows; y++, at += stride) {
                line[y] = pixel(rgb, at);
            }
        }
    }

    /** Writes {@code columns} lines of {@code rows} pixels as columns of {@code out} from ({@code left}, {@code top}) on. */
    static void turnBack(int[][] lines, int columns, int rows, int[][] out, int left, int top) {
        for (int y = 0; y < rows; y++) {
            int[] row = out[top + y];
            for (int x = 0; x < columns; x++) {
                row[left + x] = lines[x][y];
            }
        }
    }

    /** One load of four bytes, except where fewer are left. */
    private static int pixel(byte[] rgb, int at) {
        if (at <= rgb.length - Integer.BYTES) {
            return (int) INT.get(rgb, at) & 0xFFFFFF;
        }
        return (rgb[at] & 0xFF) | (rgb[at + 1] & 0xFF) << 8 | (rgb[at + 2] & 0xFF) << 16;
    }
}
