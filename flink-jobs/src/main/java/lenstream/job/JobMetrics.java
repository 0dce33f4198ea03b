package lenstream.job;

import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import lenstream.core.job.FlinkRest;

/** The counts of one job, read through Flink's REST interface. Confined to one thread. */
final class JobMetrics implements AutoCloseable {
    private final FlinkRest flink;
    private final String jobId;

    /** @param rest for example {@code http://127.0.0.1:8081} */
    @SuppressWarnings("MustBeClosed") // freed in close()
    JobMetrics(URI rest, String jobId) {
        this.flink = FlinkRest.open(rest);
        this.jobId = jobId;
    }

    /**
     * One look at the job.
     *
     * @param counts empty before the first are there
     * @param clock another one at each look, unless the metrics stand still
     * @param allRunning whether every task runs; a savepoint is refused before
     */
    record Look(Optional<CrawlCounts> counts, long clock, boolean allRunning) {}

    /** How the job is now; empty if the answer did not come in time. */
    Optional<Look> read() throws InterruptedException {
        try {
            FlinkRest.Metrics metrics = flink.metrics(jobId);
            return Optional.of(new Look(
                    metrics.values().isEmpty() ? Optional.empty() : Optional.of(CrawlCounts.of(metrics.values())),
                    metrics.values().getOrDefault("lenstream_visit_clock_millis", 0L),
                    metrics.allRunning()));
        } catch (IOException e) {
            return Optional.empty(); // the cluster is starting or restarting; the next round asks again
        }
    }

    @Override
    public void close() {
        flink.close();
    }
}
