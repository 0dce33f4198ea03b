package lenstream.gpu.preprocess;

import java.util.LinkedHashMap;
import java.util.Map;
import lenstream.core.model.Preprocessing.Interpolation;

/**
 * Resizes 8-bit RGB as Pillow 12.0 does, equal in every byte: two separable passes, horizontal first, rounding and
 * clamping to bytes between them; a pass whose size does not change is left out. Only the window that is asked for is
 * computed.
 *
 * <p>Both passes add up whole lines of pixels, which {@link LineBlender} does in vectors: the vertical pass rows, the
 * horizontal one columns, for which a strip of the image is turned on its side and its result turned back. Holds its scratch
 * space and weights of recent sizes; confined to one thread at a time.
 */
public final class Resizer {
    /** Rows a strip, the length of the horizontal pass's lines: long lines cost least, shorter strips stay in the cache. */
    private static final int STRIP = 512;

    /** Output columns a strip is turned for at once: their inputs, 270 columns of a 4000-pixel row, fit a second-level cache. */
    private static final int TILE = 16;

    /** Lines of scratch space that are kept; more are left to the collector, as giants come rarely. */
    private static final int KEPT_LINES = 8192;

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
    private final LineBlender blender = new LineBlender();
    private int[][] rows = {};
    private int[][] columns = {};
    private int[][] blended = {};

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
        Taps down = inHeight == outHeight ? null : taps(interpolation, inHeight, outHeight, top, height);
        int firstRow = down == null ? top : down.firstInput();
        int endRow = down == null ? top + height : down.endInput();
        rows = PackedLines.room(rows, endRow - firstRow, width);
        if (inWidth == outWidth) {
            for (int y = firstRow; y < endRow; y++) {
                PackedLines.pack(source, (y * inWidth + left) * 3, rows[y - firstRow], width);
            }
        } else {
            Taps across = taps(interpolation, inWidth, outWidth, left, width);
            for (int y = firstRow; y < endRow; y += STRIP) {
                horizontal(source, inWidth, y, Math.min(STRIP, endRow - y), across, y - firstRow);
            }
        }
        blended = PackedLines.room(blended, 1, width);
        for (int y = 0; y < height; y++) {
            int[] row = down == null ? rows[y] : blended[0];
            if (down != null) {
                blender.blend(down, y, rows, firstRow, row, width);
            }
            PackedLines.unpack(row, width, target, y * width * 3);
        }
        rows = kept(rows);
        columns = kept(columns);
    }

    private static int[][] kept(int[][] lines) {
        return lines.length > KEPT_LINES ? new int[0][] : lines;
    }

    /** Resamples {@code count} rows from {@code top} on into {@link #rows} from {@code to} on. */
    private void horizontal(byte[] source, int inWidth, int top, int count, Taps across, int to) {
        int width = across.first().length;
        blended = PackedLines.room(blended, TILE, count);
        for (int left = 0; left < width; left += TILE) {
            int tile = Math.min(TILE, width - left);
            int first = across.first()[left];
            int end = across.first()[left + tile - 1] + across.count()[left + tile - 1];
            columns = PackedLines.room(columns, end - first, count);
            PackedLines.turn(source, (top * inWidth + first) * 3, inWidth * 3, end - first, count, columns);
            for (int x = 0; x < tile; x++) {
                blender.blend(across, left + x, columns, first, blended[x], count);
            }
            PackedLines.turnBack(blended, tile, count, rows, left, to);
        }
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
}
