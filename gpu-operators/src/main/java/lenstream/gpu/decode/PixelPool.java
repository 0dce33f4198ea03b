package lenstream.gpu.decode;

import java.util.concurrent.ArrayBlockingQueue;

/**
 * Keeps a few sample arrays for reuse, so that decoding in steady state makes no garbage of megabytes. Arrays above
 * {@link #LARGEST_KEPT} are left to the collector: keeping them would tie up the heap for the rarest images.
 * Thread-safe.
 */
final class PixelPool {
    /** 16 million bytes: a 5-megapixel image. */
    private static final int LARGEST_KEPT = 16 << 20;

    private static final int SMALLEST = 1 << 20;

    private final ArrayBlockingQueue<byte[]> kept;

    PixelPool(int arrays) {
        kept = new ArrayBlockingQueue<>(arrays);
    }

    /** An array of at least {@code length} bytes with arbitrary contents. */
    byte[] take(int length) {
        byte[] array = kept.poll();
        if (array != null && array.length >= length) {
            return array;
        }
        if (length > LARGEST_KEPT) {
            return new byte[length];
        }
        return new byte[Math.max(SMALLEST, Integer.highestOneBit(Math.max(1, length - 1)) << 1)];
    }

    void give(byte[] array) {
        if (array.length <= LARGEST_KEPT) {
            kept.offer(array);
        }
    }
}
