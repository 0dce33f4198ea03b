package lenstream.search.http;

import java.util.LinkedHashMap;
import java.util.Map;
import lenstream.core.config.Check;
import lenstream.core.config.Default;

/**
 * How often one client may ask: a token bucket for each token holder, else for each address. Thread-safe.
 */
public final class RateLimit {
    /** Clients that are remembered; the one that asked longest ago is forgotten first, with its bucket full again. */
    private static final int CLIENTS = 20_000;

    private final Config config;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > CLIENTS;
        }
    };

    /**
     * @param perSecond requests of one client a second in the long run; 0 for no limit
     * @param burst requests that one client may make at once
     */
    public record Config(
            @Default("0") double perSecond, @Default("50") int burst) {
        public Config {
            if (!(perSecond >= 0 && perSecond <= 1e6)) {
                throw new IllegalArgumentException("per_second must be from 0 to 1000000, not " + perSecond);
            }
            Check.range("burst", burst, 1, 1_000_000);
        }

        static Config none() {
            return new Config(0, 50);
        }
    }

    private static final class Bucket {
        double left;
        long at;
    }

    RateLimit(Config config) {
        this.config = config;
    }

    /**
     * Takes one request off the client's bucket.
     *
     * @throws ProblemException with 429 and the seconds until there is one again
     */
    void take(String client, long now) {
        if (config.perSecond() == 0) {
            return;
        }
        double missing;
        synchronized (this) {
            Bucket bucket = buckets.computeIfAbsent(client, key -> {
                var full = new Bucket();
                full.left = config.burst();
                full.at = now;
                return full;
            });
            bucket.left = Math.min(config.burst(), bucket.left + (now - bucket.at) / 1e9 * config.perSecond());
            bucket.at = now;
            missing = 1 - bucket.left;
            if (missing <= 0) {
                bucket.left--;
            }
        }
        if (missing > 0) {
            int seconds = (int) Math.min(3600, Math.ceil(missing / config.perSecond()));
            throw ProblemException.tooMany(
                    "You ask more often than " + config.perSecond() + " times a second: try again in " + seconds
                            + " s.",
                    seconds);
        }
    }
}
