package lenstream.connector.opensearch;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waits that double from a first to a longest one, each drawn from its upper half, so that items that were refused
 * together do not come back together. Thread-safe if its generator is.
 */
final class Backoff {
    private static final int MOST_DOUBLINGS = 30;

    private final long firstMillis;
    private final long longestMillis;
    private final RandomGenerator random;

    Backoff(Duration first, Duration longest, RandomGenerator random) {
        this.firstMillis = Math.max(1, first.toMillis());
        this.longestMillis = Math.max(firstMillis, longest.toMillis());
        this.random = random;
    }

    /**
     * A wait.
     *
     * @param refusals of the item so far, at least 1
     */
    long millis(int refusals) {
        int doublings = Math.min(refusals - 1, MOST_DOUBLINGS);
        long full = Math.min(longestMillis, firstMillis << doublings);
        if (full <= 0) { // the shift overflowed
            full = longestMillis;
        }
        return full / 2 + random.nextLong(full / 2 + 1);
    }
}
