package lenstream.job;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.jspecify.annotations.Nullable;

/**
 * Accompanies a submitted index job: reports its counts, and ends it with a savepoint once the frontier is dry, so that
 * the next run knows every URL that this one saw. A job that must follow its sites for ever is only watched. One that is
 * to be stopped and does not come to run is cancelled.
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

    private final JobClient job;
    private final JobMetrics metrics;
    private final String savepoints;
    private final Consumer<CrawlCounts> listener;
    private final AutoCloseable held;
    private volatile boolean stopAsked;
    private CrawlCounts last = CrawlCounts.NONE;
    private boolean allRunning;

    /**
     * @param rest the REST address of the cluster that runs the job
     * @param savepoints where the final savepoint goes; a path that the cluster can write to
     * @param listener called with new counts a few times a second
     * @param held closed with this run: what must not be given up before the job has ended
     */
    CrawlRun(JobClient job, URI rest, String savepoints, Consumer<CrawlCounts> listener, AutoCloseable held) {
        this.job = job;
        this.metrics = new JobMetrics(rest, job.getJobID().toHexString());
        this.savepoints = savepoints;
        this.listener = listener;
        this.held = held;
    }

    /**
     * How a run ended.
     *
     * @param counts the last ones
     * @param savepoint what the next run starts from; empty if the job ended by itself or never came to run
     */
    public record End(CrawlCounts counts, Optional<Path> savepoint) {}

    /**
     * Blocks until the frontier is dry and the job is stopped.
     *
     * @param readers parallelism of discovery
     * @param follow keep going for ever; only {@link #stop} or a failure ends it
     * @throws JobFailedException if the job failed for good
     */
    public End await(int readers, boolean follow) throws InterruptedException {
        int dryRounds = 0;
        while (!stopAsked && dryRounds < 2) { // twice: metrics of different subtasks are not read at one instant
            if (endedByItself()) {
                return new End(last, Optional.empty());
            }
            boolean dry = poll() && allRunning && last.frontierIsDry(readers);
            dryRounds = dry && !follow ? dryRounds + 1 : 0;
            TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
        }
        drain();
        if (!awaitRunning() && stopAsked) {
            cancel();
            return new End(last, Optional.empty());
        }
        return new End(last, Optional.of(stopWithSavepoint()));
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

    private boolean poll() throws InterruptedException {
        Optional<JobMetrics.Look> look = metrics.read();
        look.ifPresent(seen -> {
            last = seen.counts();
            allRunning = seen.allRunning();
            listener.accept(last);
        });
        return look.isPresent();
    }

    /** Waits until the counts are final; the savepoint would flush what is in flight, but nobody could count it then. */
    private void drain() throws InterruptedException {
        long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
        while (!stopAsked && System.nanoTime() < deadline && !endedByItself()) {
            if (poll() && last.isDrained()) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
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
