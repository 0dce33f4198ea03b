package lenstream.job;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import lenstream.connector.fetch.VisitOperatorFactory;
import lenstream.connector.fetch.VisitStanding;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.operators.coordination.CoordinationRequestGateway;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accompanies a submitted index job: reports its counts, and ends it with a savepoint once the frontier is dry, so that
 * the next run knows every URL that this one saw. A job that must follow its sites for ever is only watched. One that is
 * to be stopped and does not come to run is cancelled.
 *
 * <p>Whether the frontier is dry is asked of the visits themselves, see {@link VisitStanding}. The counts come from Flink's
 * metrics, which may stand still for minutes after a TaskManager was killed; no more than the last line depends on them.
 *
 * <p>Confined to one thread, which {@link #await} blocks; {@link #stop} may be called from another.
 */
public final class CrawlRun implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration DRAIN_LIMIT = Duration.ofMinutes(2);
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** How long a person who wants to stop is made to wait for tasks that are being deployed, or do not come to run. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final Duration STOP_LIMIT = Duration.ofMinutes(2);
    /** How often the job is asked to stop when failures come in between. */
    private static final int STOPS = 3;

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(5);
    /** For how long counts are waited for that Flink does not renew. */
    private static final Duration STILL_LIMIT = Duration.ofSeconds(15);
    /** For how long counts are waited for that are renewed and stay what they are. */
    private static final Duration UNCHANGED_LIMIT = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(CrawlRun.class);

    private final JobClient job;
    private final JobMetrics metrics;
    private final OptionalLong submittedAtMillis;
    private final String savepoints;
    private final Consumer<CrawlCounts> listener;
    private final AutoCloseable held;
    private volatile boolean stopAsked;
    private CrawlCounts last = CrawlCounts.NONE;
    private boolean allRunning;
    private long clock;
    private long clockMovedAt = System.nanoTime();

    /**
     * @param rest the REST address of the cluster that runs the job
     * @param submittedAtMillis of the sources, see {@link Intake#submittedAtMillis()}
     * @param savepoints where the final savepoint goes; a path that the cluster can write to
     * @param listener called with new counts a few times a second
     * @param held closed with this run: what must not be given up before the job has ended
     */
    CrawlRun(
            JobClient job,
            URI rest,
            OptionalLong submittedAtMillis,
            String savepoints,
            Consumer<CrawlCounts> listener,
            AutoCloseable held) {
        this.job = job;
        this.metrics = new JobMetrics(rest, job.getJobID().toHexString());
        this.submittedAtMillis = submittedAtMillis;
        this.savepoints = savepoints;
        this.listener = listener;
        this.held = held;
    }

    /**
     * How a run ended.
     *
     * @param counts the last ones
     * @param isLate whether the counts are not those of the end, because Flink's metrics stood still or did not agree
     * @param savepoint what the next run starts from; empty if the job ended by itself or never came to run
     */
    public record End(CrawlCounts counts, boolean isLate, Optional<Path> savepoint) {}

    /**
     * Blocks until the frontier is dry and the job is stopped.
     *
     * @param follow keep going for ever; only {@link #stop} or a failure ends it
     * @throws JobFailedException if the job failed for good
     */
    public End await(boolean follow) throws InterruptedException {
        for (int stops = 1; ; stops++) {
            while (!stopAsked && (follow || !isDone())) {
                if (endedByItself()) {
                    return new End(last, false, Optional.empty());
                }
                poll();
                TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
            }
            drain();
            boolean isLate = !stopAsked && !last.isDrained();
            if (endedByItself()) {
                return new End(last, isLate, Optional.empty());
            }
            if (!awaitRunning() && stopAsked) {
                cancel();
                return new End(last, isLate, Optional.empty());
            }
            try {
                return new End(last, isLate, Optional.of(stopWithSavepoint()));
            } catch (JobFailedException e) {
                // a failure came in between, and the job goes on from its last checkpoint
                if (stops == STOPS || endedByItself()) {
                    throw e;
                }
                allRunning = false; // as the next look will tell
            }
        }
    }

    /** Whether nothing is left to do for this submission, as far as the job answers. */
    private boolean isDone() throws InterruptedException {
        if (submittedAtMillis.isEmpty()) {
            return false; // it ends by itself
        }
        try {
            return ((CoordinationRequestGateway) job)
                                    .sendCoordinationRequest(VisitOperatorFactory.UID, new VisitStanding.Question())
                                    .get(ANSWER_LIMIT.toSeconds(), TimeUnit.SECONDS)
                            instanceof VisitStanding standing
                    && standing.isDone(submittedAtMillis.getAsLong());
        } catch (ExecutionException | IllegalStateException | TimeoutException e) {
            return false; // it starts, restarts or has ended; the next round asks again
        }
    }

    /** Asks for a clean end: what is in flight is finished, the rest is kept in the savepoint. */
    public void stop() {
        stopAsked = true;
    }

    @Override
    public void close() {
        metrics.close();
        try {
            held.close();
        } catch (Exception e) {
            throw JobFailedException.rootOf(e);
        }
    }

    /** Whether there are new counts. */
    private boolean poll() throws InterruptedException {
        JobMetrics.Look look = metrics.read().orElse(null);
        if (look == null) {
            return false;
        }
        allRunning = look.allRunning();
        if (look.clock() != clock) {
            clock = look.clock();
            clockMovedAt = System.nanoTime();
        }
        look.counts().ifPresent(counts -> {
            last = counts;
            listener.accept(counts);
        });
        return look.counts().isPresent();
    }

    private boolean standsStill() {
        return System.nanoTime() - clockMovedAt > STILL_LIMIT.toNanos();
    }

    /** Waits until the counts are final; the savepoint would flush what is in flight, but nobody could count it then. */
    private void drain() throws InterruptedException {
        long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
        CrawlCounts before = last;
        long changedAt = System.nanoTime();
        while (!stopAsked && System.nanoTime() < deadline && !standsStill() && !endedByItself()) {
            if (poll() && last.isDrained()) {
                return;
            }
            if (!last.equals(before)) {
                before = last;
                changedAt = System.nanoTime();
            } else if (System.nanoTime() - changedAt > UNCHANGED_LIMIT.toNanos()) {
                break;
            }
            TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
        }
        if (!stopAsked) {
            LOG.warn("the counts do not become final: stands_still={} {}", standsStill(), last);
        }
    }

    /** A savepoint is refused while tasks are still being deployed, which an early Ctrl-C can meet; whether they run. */
    private boolean awaitRunning() throws InterruptedException {
        long deadline = System.nanoTime() + (stopAsked ? PATIENCE : START_LIMIT).toNanos();
        while (!allRunning && System.nanoTime() < deadline && !endedByItself() && !(stopAsked && restarts())) {
            poll();
            TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
        }
        return allRunning;
    }

    /** Whether the job failed and tries again; in a JVM that ends it may for ever, since no native library loads there. */
    private boolean restarts() throws InterruptedException {
        try {
            return job.getJobStatus().get(10, TimeUnit.SECONDS) == JobStatus.RESTARTING;
        } catch (ExecutionException | IllegalStateException | TimeoutException e) {
            return false; // the next round asks again
        }
    }

    /** Ends a job that does not come to run: the next one starts from where this one did, or from its last checkpoint. */
    private void cancel() throws InterruptedException {
        try {
            job.cancel().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw JobFailedException.rootOf(e);
        } catch (TimeoutException e) {
            throw new JobFailedException("the job did not end within " + PATIENCE.toSeconds() + " s", e);
        }
    }

    private boolean endedByItself() throws InterruptedException {
        @Nullable JobStatus status;
        try {
            status = job.getJobStatus().get(10, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException | IllegalStateException gone) {
            return endedWithItsCluster(gone);
        }
        if (status == JobStatus.FINISHED || status == JobStatus.CANCELED) {
            return true;
        }
        if (status == JobStatus.FAILED) {
            try {
                job.getJobExecutionResult().get(30, TimeUnit.SECONDS);
                throw new JobFailedException("the job failed without saying why; its log says more", null);
            } catch (ExecutionException | TimeoutException e) {
                throw JobFailedException.rootOf(e);
            }
        }
        return false;
    }

    /** A cluster of this JVM ends with its job, and then knows no status any more; the job's result is there. */
    private boolean endedWithItsCluster(Exception gone) throws InterruptedException {
        try {
            job.getJobExecutionResult().get(30, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException e) {
            throw JobFailedException.rootOf(e);
        } catch (TimeoutException e) {
            gone.addSuppressed(e);
            throw JobFailedException.rootOf(gone);
        }
    }

    private Path stopWithSavepoint() throws InterruptedException {
        try {
            String path = job.stopWithSavepoint(false, savepoints, SavepointFormatType.NATIVE)
                    .get(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS);
            job.getJobExecutionResult().get(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS);
            return Path.of(new org.apache.flink.core.fs.Path(path).getPath()); // not a URI: Flink does not encode
        } catch (ExecutionException e) {
            throw JobFailedException.rootOf(e);
        } catch (TimeoutException e) {
            throw new JobFailedException(
                    "the job did not stop within " + STOP_LIMIT.toSeconds() + " s; its last checkpoint is kept", e);
        }
    }
}
