package lenstream.search.http;

import java.util.HashMap;
import java.util.Map;

/**
 * How many requests may work at once, found from how long they take: as long as they take about as long as when the server
 * is idle, more are let in; when they take several times as long, they stand in each other's way and fewer are. Confined by
 * its owner's lock; {@link #current} may be read from anywhere.
 *
 * <p>The rule is the gradient of TCP Vegas as Netflix's concurrency-limits uses it: {@code limit = limit * min(1, tolerance *
 * idle / taken) + sqrt(limit)}, smoothed. A text takes a tenth of what a picture takes, so each type of request is held
 * against its own idle time.
 */
final class ConcurrencyLimit {
    /** Work on the processor at a limit of 4 takes about twice its idle time on two cores: that must not count as trouble. */
    private static final double TOLERANCE = 2;

    private static final int LEAST = 2;
    private static final int FIRST = 16;
    private static final double SMOOTHING = 0.1;

    /** The idle time is the least seen, forgotten at this rate a second: a machine may become slower for good. */
    private static final double FORGETTING = 0.001;

    private final int most;
    private final Map<String, Idle> idleTimes = new HashMap<>();
    private double limit;
    private volatile int current;

    private static final class Idle {
        double nanos = Double.MAX_VALUE;
        long at = System.nanoTime();
    }

    ConcurrencyLimit(int most) {
        this.most = most;
        this.limit = Math.min(most, FIRST);
        this.current = (int) limit;
    }

    int current() {
        return current;
    }

    /**
     * One request has been done.
     *
     * @param type what was asked for
     * @param nanos it took, without waiting to be let in
     * @param working requests at the time, this one included
     */
    void sample(String type, long nanos, int working) {
        Idle idle = idleTimes.computeIfAbsent(type, key -> new Idle());
        long now = System.nanoTime();
        if (idle.nanos < Double.MAX_VALUE) {
            idle.nanos *= 1 + FORGETTING * (now - idle.at) / 1e9;
        }
        idle.at = now;
        idle.nanos = Math.min(idle.nanos, nanos);
        if (working * 2 < current) {
            return; // the limit was not what held anyone back
        }
        double gradient = Math.clamp(TOLERANCE * idle.nanos / nanos, 0.5, 1);
        double wanted = limit * gradient + Math.sqrt(limit);
        limit = Math.clamp((1 - SMOOTHING) * limit + SMOOTHING * wanted, Math.min(LEAST, most), most);
        current = (int) limit;
    }
}
