package lenstream.search.push;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/** A token bucket a name: so many at once, refilled over a minute. Forgets those not seen for long. Thread-safe. */
final class RateLimit {
    private static final int MOST_NAMES = 100_000;
    private static final double MINUTE_MILLIS = 60_000;

    private record Bucket(double tokens, long atMillis) {}

    private final int perMinute;
    private final LongSupplier clock;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MOST_NAMES;
        }
    };

    /** @param clock milliseconds that never go back */
    RateLimit(int perMinute, LongSupplier clock) {
        this.perMinute = perMinute;
        this.clock = clock;
    }

    /** Whether one more is within the limit now; counts it if so. */
    synchronized boolean allows(String name) {
        long now = clock.getAsLong();
        Bucket before = buckets.getOrDefault(name, new Bucket(perMinute, now));
        double tokens = Math.min(perMinute, before.tokens() + (now - before.atMillis()) * perMinute / MINUTE_MILLIS);
        boolean allowed = tokens >= 1;
        buckets.put(name, new Bucket(allowed ? tokens - 1 : tokens, now));
        return allowed;
    }
}
