package lenstream.search.http;

/**
 * Whether more comes than can be done. It begins when the queue is full, and is over once nobody has waited for {@value #OFTEN} of
 * {@value #WINDOW_MILLIS} ms: a queue that is never empty is no sign of it, six connections of one browser make one. Confined by its
 * owner's lock.
 */
final class Pressure {
    private static final long WINDOW_MILLIS = 200;
    private static final double OFTEN = 0.25;

    private long windowStart;
    private long last; // until when time has been counted
    private long empty; // nanoseconds of the window in which nothing waited
    private boolean high;

    /** The queue is full. */
    void rise(long now) {
        high = true;
        windowStart = now;
        last = now;
        empty = 0;
    }

    /**
     * To be called before every change of the queue.
     *
     * @param now nanoseconds, never less than before
     * @param isEmpty whether nothing has waited since the last call
     */
    boolean isHigh(long now, boolean isEmpty) {
        if (!high) {
            return false;
        }
        if (isEmpty) {
            empty += now - last;
        }
        last = now;
        long length = now - windowStart;
        if (length >= WINDOW_MILLIS * 1_000_000) {
            high = empty < OFTEN * length;
            windowStart = now;
            empty = 0;
        }
        return high;
    }
}
