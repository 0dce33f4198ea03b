package lenstream.gpu.decode;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;

/**
 * Keeps a few sample arrays for reuse, so that decoding in steady state makes no garbage of megabytes. Arrays above
 * {@link #LARGEST_KEPT} are left to the collector: keeping them would tie up the heap for the rarest images.
 * Thread-safe.
 */
final class PixelPool {
    /** 16 million bytes: a 5-megapixel image. */
    private static final int LARGEST_KEPT = 16 << 20;

    private static final int SMALLEST = 1 << 20;

    private static final int UNIT = 1 << 10;

    private final ArrayBlockingQueue<byte[]> kept;
    private final int budgetUnits;
    private final Semaphore units;

    /** A pool whose large pictures together hold at most a third of the heap. */
    PixelPool(int arrays) {
        this(arrays, Runtime.getRuntime().maxMemory() / 3);
    }

    /** @param budget bytes that large pictures may hold together */
    PixelPool(int arrays, long budget) {
        kept = new ArrayBlockingQueue<>(arrays);
        budgetUnits = (int) Math.clamp(budget / UNIT, 1, Integer.MAX_VALUE);
        units = new Semaphore(budgetUnits, true);
    }

    /** Bytes that one picture may need at the most. */
    long budget() {
        return (long) budgetUnits * UNIT;
    }

    /**
     * Waits until a large picture fits beside those that are held. A thread holds one picture at a time, so the wait ends.
     *
     * @param bytes at most {@link #budget()}
     * @return what {@link #release} takes back; 0 for a small picture, which needs no place
     */
    long reserve(long bytes) {
        if (bytes <= LARGEST_KEPT) {
            return 0;
        }
        int needed = (int) ((bytes + UNIT - 1) / UNIT);
        units.acquireUninterruptibly(Math.min(needed, budgetUnits));
        return Math.min(needed, budgetUnits);
    }

    void release(long reserved) {
        units.release((int) reserved);
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
