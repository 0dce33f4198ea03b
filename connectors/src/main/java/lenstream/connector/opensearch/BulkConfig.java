package lenstream.connector.opensearch;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;

/**
 * How entries are gathered and repeated.
 *
 * @param bytes largest bulk request; OpenSearch takes 100 MB, advises 5 to 15 MB
 * @param count most items of a bulk request
 * @param inFlight requests at once of one subtask
 * @param linger how long an entry waits for others
 * @param maxAttempts how often an item is sent that fails although the cluster is healthy; a busy or absent cluster is
 *     waited for without limit
 * @param firstDelay before the first repetition; doubled each time
 * @param longestDelay between repetitions
 */
public record BulkConfig(
        @Default("8MiB") DataSize bytes,
        @Default("500") int count,
        @Default("2") int inFlight,
        @Default("500ms") Duration linger,
        @Default("5") int maxAttempts,
        @Default("250ms") Duration firstDelay,
        @Default("10s") Duration longestDelay)
        implements Serializable {

    public BulkConfig {
        Check.range("bytes", bytes.bytes(), 1 << 16, 100_000_000);
        Check.range("count", count, 1, 10_000);
        Check.range("in_flight", inFlight, 1, 64);
        Check.positive("linger", linger);
        Check.range("max_attempts", maxAttempts, 1, 100);
        Check.positive("first_delay", firstDelay);
        Check.positive("longest_delay", longestDelay);
    }

    public static BulkConfig defaults() {
        return new BulkConfig(
                DataSize.ofMebibytes(8),
                500,
                2,
                Duration.ofMillis(500),
                5,
                Duration.ofMillis(250),
                Duration.ofSeconds(10));
    }
}
