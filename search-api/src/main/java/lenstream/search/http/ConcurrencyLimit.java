package lenstream.search.http;

import java.util.HashMap;
import java.util.Map;

/**
 * How many requests may work at once, found from how long they take. Of those that work, some only wait for a processor or for
 * the index behind others: {@code working * (1 - alone / taken)} by how long the same work takes with nothing beside it. While
 * fewer than {@value #SPARE} wait, one more is let in by and by; when more than {@value #CROWD} do, one fewer. More would raise
 * every latency and the throughput not at all: one text after the other already keeps two processors busy, since the index searches its segments
 * side by side. Confined by its owner's lock; {@link #current} may be read from anywhere.
 *
 * <p>The rule is that of TCP Vegas (Brakmo, Peterson, 1995), its bounds for requests as in Netflix's concurrency-limits. Their
 * least time ever seen is replaced by the usual time of work that was alone: the least is a lucky one, and held against it every
 * ordinary request looks as if it had waited. A text takes a tenth of what a picture takes, so each type of request has a time of
 * its own.
 */
final class ConcurrencyLimit {
    private static final double SPARE = 0.5;
    private static final double CROWD = 1;

    /** So many rounds it takes to let in one more: each that is too many is paid for by all. */
    private static final double SLOWNESS = 5;

    /** So much of the next request counts for the usual time of work alone. */
    private static final double NEWEST = 0.1;

    private static final int FIRST = 8;

    /** Processors can work at the same time whatever the times say; one is left to the rest of the machine. */
    private static final int LEAST = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);

    private final int most;
    private final Map<String, Alone> times = new HashMap<>();
    private double limit;
    private volatile int current;

    /** What work of one type takes with nothing beside it. */
    private static final class Alone {
        double nanos = Double.MAX_VALUE; // until it was alone, the least seen
        boolean known;

        void sample(long taken, boolean isAlone) {
            if (isAlone) {
                nanos = known ? nanos + NEWEST * (taken - nanos) : taken;
                known = true;
            } else if (!known) {
                nanos = Math.min(nanos, taken);
            }
        }
    }

    ConcurrencyLimit(int most) {
        this.most = most;
        this.limit = Math.min(most, Math.max(FIRST, LEAST));
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
     * @param working requests at its beginning or its end, whichever were more, this one included
     */
    void sample(String type, long nanos, int working) {
        Alone alone = times.computeIfAbsent(type, key -> new Alone());
        alone.sample(nanos, working == 1);
        double waiting = working * (1 - Math.min(1, alone.nanos / nanos));
        if (waiting > CROWD) {
            limit = Math.min(limit, working) - 1 / limit; // one fewer for each round of as many requests
        } else if (waiting < SPARE && working >= current) { // else the limit is not what holds anyone back
            limit += 1 / (SLOWNESS * limit);
        }
        limit = Math.clamp(limit, Math.min(LEAST, most), most);
        current = (int) limit;
    }
}
