package lenstream.gpu.decode;

import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;

/** Keeps a few arrays of coefficients, and of masks of them, for reuse, as {@link PixelPool} does for samples. Thread-safe. */
final class CoefficientArrays {
    /** Coefficients of a 5-megapixel image with chroma of a quarter. */
    private static final int LARGEST_KEPT = 8 << 20;

    private static final int SMALLEST = 1 << 19;

    /** Coefficients to a mask, of which there are up to three a block. */
    private static final int MASKS_SHARE = 16;

    private final ArrayBlockingQueue<short[]> kept;
    private final ArrayBlockingQueue<long[]> keptMasks;

    CoefficientArrays(int arrays) {
        kept = new ArrayBlockingQueue<>(arrays);
        keptMasks = new ArrayBlockingQueue<>(arrays);
    }

    /** An array of at least {@code length} coefficients, of which so many are zero. */
    short[] take(int length) {
        short[] array = kept.poll();
        if (array == null || array.length < length) {
            return new short[Math.max(SMALLEST, length + length / 4)];
        }
        Arrays.fill(array, 0, length, (short) 0);
        return array;
    }

    /** An array of at least {@code length} masks, of which so many are zero. */
    long[] takeMasks(int length) {
        long[] array = keptMasks.poll();
        if (array == null || array.length < length) {
            return new long[Math.max(SMALLEST / MASKS_SHARE, length + length / 4)];
        }
        Arrays.fill(array, 0, length, 0);
        return array;
    }

    void give(short[] array, long[] masks) {
        if (array.length > 0 && array.length <= LARGEST_KEPT) {
            kept.offer(array);
        }
        if (masks.length > 0 && masks.length <= LARGEST_KEPT / MASKS_SHARE) {
            keptMasks.offer(masks);
        }
    }
}
