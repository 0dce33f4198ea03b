package lenstream.search.http;

/**
 * Whether more comes than can be done: a queue that smooths bursts is empty in between, one that is empty for less than
 * {@value #RARELY} of the time only stands. Looked at every {@value #WINDOW_MILLIS} ms; under pressure the queue is kept short, so it
 * must then be empty for {@value #OFTEN} of the time before the pressure counts as gone. Confined by its owner's lock.
 */
final class Pressure {
    private static final long WINDOW_MILLIS = 200;
    private static final double RARELY = 0.05;
    private static final double OFTEN = 0.25;

    private long windowStart;
    private long last; // until when time has been counted
    private long empty; // nanoseconds of the window in which nothing waited
    private boolean high;

    Pressure(long now) {
        windowStart = now;
        last = now;
    }

    /**
     * To be called before every change of the queue.
     *
     * @param now nanoseconds, never less than before
     * @param isEmpty whether nothing has waited since the last call
     */
    boolean isHigh(long now, boolean isEmpty) {
        if (isEmpty) {
            empty += now - last;
        }
        last = now;
        long length = now - windowStart;
        if (length >= WINDOW_MILLIS * 1_000_000) {
            high = empty < (high ? OFTEN : RARELY) * length;
            windowStart = now;
            empty = 0;
        }
        return high;
    }

    /** The queue is full: that needs no window. */
    void rise(long now) {
        high = true;
        windowStart = now;
        last = now;
        empty = 0;
    }
}
