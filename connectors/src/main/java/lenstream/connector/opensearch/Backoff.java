package lenstream.connector.opensearch;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waits that double from a first to a longest one, each drawn from its upper half, so that writers that were refused
 * together do not come back together. Confined to one thread at a time; the caller synchronizes.
 */
final class Backoff {
    private final long firstMillis;
    private final long longestMillis;
    private final RandomGenerator random;
    private int failures;

    Backoff(Duration first, Duration longest, RandomGenerator random) {
        this.firstMillis = Math.max(1, first.toMillis());
        this.longestMillis = Math.max(firstMillis, longest.toMillis());
        this.random = random;
    }

    /** The wait after one more failure. */
    long nextMillis() {
        long full = failures >= 30 ? longestMillis : Math.min(longestMillis, firstMillis << failures);
        failures = Math.min(failures + 1, 30);
        return full / 2 + random.nextLong(full / 2 + 1);
    }

    /** A success ends the series. */
    void reset() {
        failures = 0;
    }
}
