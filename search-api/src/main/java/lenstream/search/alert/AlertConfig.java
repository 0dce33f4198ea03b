package lenstream.search.alert;

import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.config.Default;

/**
 * How webhooks are told. With these defaults a receiver that is away is tried for about a day. Immutable.
 *
 * @param attempts after which a delivery has failed
 * @param firstDelay before the second attempt; each further one waits four times as long
 * @param longestDelay between two attempts
 * @param keep age at which a delivery that has ended is forgotten
 */
public record AlertConfig(
        @Default("10") int attempts,
        @Default("5s") Duration firstDelay,
        @Default("6h") Duration longestDelay,
        @Default("30d") Duration keep) {
    public AlertConfig {
        Check.range("attempts", attempts, 1, 100);
        Check.positive("first_delay", firstDelay);
        Check.positive("longest_delay", longestDelay);
        Check.positive("keep", keep);
    }

    public static AlertConfig defaults() {
        return new AlertConfig(10, Duration.ofSeconds(5), Duration.ofHours(6), Duration.ofDays(30));
    }

    /**
     * How long to wait after an attempt that failed.
     *
     * @param attempt counted from 1
     * @param drawn at random, 0 to 1: waits of receivers that failed together spread from a half to the whole
     */
    long delayMillis(int attempt, double drawn) {
        double whole = firstDelay.toMillis() * Math.pow(4, attempt - 1.0);
        return (long) (Math.min(whole, longestDelay.toMillis()) * (0.5 + drawn / 2));
    }
}
