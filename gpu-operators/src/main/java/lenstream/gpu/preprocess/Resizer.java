package lenstream.gpu.preprocess;

import java.util.LinkedHashMap;
import java.util.Map;
import lenstream.core.model.Preprocessing.Interpolation;

/**
 * Resizes 8-bit RGB as Pillow 12.0 does, equal in every byte: two separable passes, horizontal first, rounding and
 * clamping to bytes between them; a pass whose size does not change is left out. Only the window that is asked for is
 * computed.
 *
 * <p>Both passes run along memory so that the compiler vectorises them: the horizontal one turns a strip of
 * {@link #STRIP} rows on its side first, so that one weight meets a run of neighbouring bytes. Holds its scratch space and
 * weights of recent sizes; confined to one thread at a time.
 */
public final class Resizer {
    /** Rows a strip: 192 bytes a column, and a strip of a 4000-pixel row still fits a second-level cache. */
    private static final int STRIP = 64;

    /** Sizes whose weights are kept; galleries and cameras repeat few sizes. */
    private static final int KEPT_SIZES = 64;

    private record Key(Interpolation interpolation, int in, int out, int from, int length) {}

    private final Map<Key, Taps> taps = new LinkedHashMap<>(KEPT_SIZES, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Taps> eldest) {
            return size() > KEPT_SIZES;
        }
    };
    private byte[] strip = {};
    private byte[] between = {};
    private int[] sums = {};

    /**
     * Resizes {@code source} to {@code outWidth} x {@code outHeight} and writes the window at ({@code left}, {@code top})
     * of {@code width} x {@code height} pixels to {@code target}, rows without padding.
     */
    public void resize(
            byte[] source,
            int inWidth,
            int inHeight,
            int outWidth,
            int outHeight,
            Interpolation interpolation,
            int left,
            int top,
            int width,
            int height,
            byte[] target) {
        if (interpolation == Interpolation.NEAREST) {
            nearest(source, inWidth, inHeight, outWidth, outHeight, left, top, width, height, target);
            return;
        }
        boolean horizontal = inWidth != outWidth;
        boolean vertical = inHeight != outHeight;
        Taps rows = vertical ? taps(interpolation, inHeight, outHeight, top, height) : null;
        int firstRow = rows == null ? top : rows.first()[0];
        int lastRow = rows == null ? top + height : rows.first()[height - 1] + rows.count()[height - 1];
        byte[] middle = source;
        int middleStride = inWidth * 3;
        int middleOffset = left * 3;
        int middleFirstRow = 0;
        if (horizontal) {
            byte[] out = target;
            if (rows != null) {
                between = room(between, (lastRow - firstRow) * width * 3);
                out = between;
            }
            Taps columns = taps(interpolation, inWidth, outWidth, left, width);
            horizontal(source, inWidth, firstRow, lastRow, columns, width, out);
            middle = out;
            middleStride = width * 3;
            middleOffset = 0;
            middleFirstRow = firstRow;
        }
        if (rows != null) {
            vertical(middle, middleStride, middleOffset, middleFirstRow, rows, width * 3, height, target);
        } else if (!horizontal) {
            for (int y = 0; y < height; y++) {
                System.arraycopy(source, (top + y) * inWidth * 3 + left * 3, target, y * width * 3, width * 3);
            }
        }
    }

    private void horizontal(
            byte[] source, int inWidth, int firstRow, int lastRow, Taps columns, int width, byte[] out) {
        int firstColumn = columns.first()[0];
        int endColumn = columns.first()[width - 1] + columns.count()[width - 1];
        int[] starts = columns.first();
        int[] counts = columns.count();
        int[] weights = columns.weights();
        int stride = columns.stride();
        int lanes = STRIP * 3;
        strip = room(strip, (endColumn - firstColumn) * lanes);
        sums = room(sums, lanes);
        for (int row = firstRow; row < lastRow; row += STRIP) {
            int rows = Math.min(STRIP, lastRow - row);
            turn(source, inWidth, row, rows, firstColumn, endColumn, strip);
            int used = rows * 3;
            for (int x = 0; x < width; x++) {
                java.util.Arrays.fill(sums, 0, used, Taps.HALF);
                int column = (starts[x] - firstColumn) * lanes;
                for (int j = 0; j < counts[x]; j++, column += lanes) {
                    accumulate(sums, strip, column, used, weights[x * stride + j]);
                }
                int to = (row - firstRow) * width * 3 + x * 3;
                for (int i = 0; i < used; i += 3, to += width * 3) {
                    out[to] = clamp(sums[i]);
                    out[to + 1] = clamp(sums[i + 1]);
                    out[to + 2] = clamp(sums[i + 2]);
                }
            }
        }
    }

    /** Lays the rows of a strip column after column: column x holds the RGB of its rows from top to bottom. */
    private static void turn(
            byte[] source, int inWidth, int row, int rows, int firstColumn, int endColumn, byte[] strip) {
        for (int y = 0; y < rows; y++) {
            int from = ((row + y) * inWidth + firstColumn) * 3;
            int to = y * 3;
            for (int x = firstColumn; x < endColumn; x++, from += 3, to += STRIP * 3) {
                strip[to] = source[from];
                strip[to + 1] = source[from + 1];
                strip[to + 2] = source[from + 2];
            }
        }
    }

    private void vertical(
            byte[] source,
            int stride,
            int offset,
            int sourceFirstRow,
            Taps rows,
            int rowLength,
            int height,
            byte[] target) {
        sums = room(sums, rowLength);
        for (int y = 0; y < height; y++) {
            java.util.Arrays.fill(sums, 0, rowLength, Taps.HALF);
            int from = (rows.first()[y] - sourceFirstRow) * stride + offset;
            for (int j = 0; j < rows.count()[y]; j++, from += stride) {
                accumulate(sums, source, from, rowLength, rows.weights()[y * rows.stride() + j]);
            }
            int to = y * rowLength;
            for (int i = 0; i < rowLength; i++) {
                target[to + i] = clamp(sums[i]);
            }
        }
    }

    /** One weight times a run of bytes. The loop that has to be vectorised. */
    private static void accumulate(int[] sums, byte[] source, int from, int length, int weight) {
        for (int i = 0; i < length; i++) {
            sums[i] += (source[from + i] & 0xFF) * weight;
        }
    }

    private static byte clamp(int sum) {
        return (byte) Math.max(0, Math.min(255, sum >> Taps.PRECISION_BITS));
    }

    /** Pillow's nearest: positions grow by repeated addition, which decides where they are cut off. */
    private static void nearest(
            byte[] source,
            int inWidth,
            int inHeight,
            int outWidth,
            int outHeight,
            int left,
            int top,
            int width,
            int height,
            byte[] target) {
        int[] columns = positions(inWidth, outWidth);
        int[] rows = positions(inHeight, outHeight);
        int to = 0;
        for (int y = 0; y < height; y++) {
            int start = rows[top + y] * inWidth;
            for (int x = 0; x < width; x++, to += 3) {
                int from = (start + columns[left + x]) * 3;
                target[to] = source[from];
                target[to + 1] = source[from + 1];
                target[to + 2] = source[from + 2];
            }
        }
    }

    private static int[] positions(int in, int out) {
        double step = (double) in / out;
        double at = step * 0.5;
        var positions = new int[out];
        for (int i = 0; i < out; i++, at += step) {
            positions[i] = Math.min((int) at, in - 1);
        }
        return positions;
    }

    private Taps taps(Interpolation interpolation, int in, int out, int from, int length) {
        return taps.computeIfAbsent(
                new Key(interpolation, in, out, from, length),
                key -> Taps.of(key.interpolation, key.in, key.out, key.from, key.length));
    }

    private static byte[] room(byte[] array, int length) {
        return array.length >= length ? array : new byte[length];
    }

    private static int[] room(int[] array, int length) {
        return array.length >= length ? array : new int[length];
    }
}
