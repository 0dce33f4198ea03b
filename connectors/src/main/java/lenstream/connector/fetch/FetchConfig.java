package lenstream.connector.fetch;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.web.WebConfig;

/**
 * How hosts are visited. Immutable.
 *
 * @param web limits of one request and what may be reached
 * @param minDelay from the end of one request to a host to the start of the next; robots Crawl-delay can only raise it.
 *     Zero holds only for hosts inside {@code web.allowPrivate()}, any other host then gets {@link #PUBLIC_FLOOR}
 * @param perHost requests at once to one host
 * @param total requests at once in one subtask
 * @param maxPending targets queued in one subtask, over all hosts, before it stops taking more. The queue is keyed state
 *     and lies on disk with RocksDB, about 1 KB each, so that this bounds the disk; a site adds no more than its {@code
 *     max_images} to it
 * @param maxPendingPerHost of those for one host; what a host brings beyond waits on its {@link RevisitWheel} without
 *     counting, until the queue has been worked off, so that a slow host cannot fill the subtask
 * @param attempts per URL and round before a failure that may pass is a rejection
 * @param backoff pause of a host after its first failure; doubles with each further one
 * @param patience a host that has to be left alone for longer than this is given up for the round
 * @param revisit when known images are visited without being named
 */
@RecordBuilder
public record FetchConfig(
        WebConfig web,
        Duration minDelay,
        int perHost,
        int total,
        int maxPending,
        int maxPendingPerHost,
        int attempts,
        Duration backoff,
        Duration patience,
        RevisitPolicy revisit)
        implements FetchConfigBuilder.With, Serializable {

    /** The least delay on the open web where {@code minDelay} is zero. */
    public static final Duration PUBLIC_FLOOR = Duration.ofSeconds(1);

    public FetchConfig {
        Check.notNegative("min_delay", minDelay);
        if (minDelay.isZero() && web.allowPrivate().isEmpty()) {
            throw new IllegalArgumentException(
                    "min_delay may be 0 only where allow_private lists the network; use at least 1s on the web");
        }
        Check.range("per_host", perHost, 1, 64);
        Check.range("total", total, 1, 10_000);
        Check.range("max_pending", maxPending, 1, 100_000_000);
        Check.range("max_pending_per_host", maxPendingPerHost, 1, 100_000_000);
        Check.range("attempts", attempts, 1, 20);
        Check.positive("backoff", backoff);
        Check.positive("patience", patience);
    }

    /** One request a second and host, three attempts. */
    public static FetchConfig defaults() {
        return new FetchConfig(
                WebConfig.defaults(),
                Duration.ofSeconds(1),
                1,
                64,
                10_000_000,
                100_000,
                3,
                Duration.ofSeconds(1),
                Duration.ofMinutes(2),
                RevisitPolicy.defaults());
    }
}
