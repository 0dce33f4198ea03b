package lenstream.gpu.decode;

import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;

/** Keeps a few arrays of coefficients for reuse, as {@link PixelPool} does for samples. Thread-safe. */
final class CoefficientArrays {
    /** Coefficients of a 5-megapixel image with chroma of a quarter. */
    private static final int LARGEST_KEPT = 8 << 20;

    private static final int SMALLEST = 1 << 19;

    private final ArrayBlockingQueue<short[]> kept;

    CoefficientArrays(int arrays) {
        kept = new ArrayBlockingQueue<>(arrays);
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

    void give(short[] array) {
        if (array.length > 0 && array.length <= LARGEST_KEPT) {
            kept.offer(array);
        }
    }
}
