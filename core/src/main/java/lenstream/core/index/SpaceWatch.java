package lenstream.core.index;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the {@link SpacePlan} on threads of its own: the follower gets each plan that is seen, every two seconds, and says
 * what the process does with it, which becomes the process's sign of life. An index that does not answer changes nothing.
 * Thread-safe; {@link #close} ends the thread.
 */
public final class SpaceWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceWatch.class);
    private static final Duration PERIOD = Duration.ofSeconds(2);
    private static final Duration LOADING = Duration.ofSeconds(60);
    private static final Duration REQUEST = Duration.ofSeconds(10);

    private final IndexClient client;
    private final SpacePlans plans;
    private final Follower follower;
    private final String process = UUID.randomUUID().toString();
    private final ScheduledExecutorService timer;
    private final ExecutorService worker = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("space-follower").factory());
    private volatile Optional<SpacePlan> plan = Optional.empty();
    private volatile @Nullable Deed deed;
    private @Nullable Future<?> following; // on the timer's thread

    /** Where the plan is; crosses the wire with a job's operators. */
    public record Where(OpenSearchConfig openSearch, IndexLayout layout) implements Serializable {}

    /** Does what a plan says. */
    @FunctionalInterface
    public interface Follower {
        /**
         * On the watch's thread; may take its time.
         *
         * @return what the process now does; null if it need not be known
         */
        @Nullable
        Deed follow(SpacePlan plan);
    }

    /**
     * What a process does with a plan.
     *
     * @param kind {@code job} or {@code api}
     * @param fingerprints of the spaces that it writes to, or that it can search
     * @param problem why it does not do what the plan says; empty if it does
     */
    public record Deed(String kind, List<String> fingerprints, String problem) {}

    @SuppressWarnings("MustBeClosed") // freed in close()
    private SpaceWatch(Where where, @Nullable Deed first, Follower follower) {
        this.deed = first;
        this.client = IndexClient.open(where.openSearch().withRequestTimeout(REQUEST));
        this.plans = new SpacePlans(client, where.layout());
        this.follower = follower;
        this.timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("space-watch").factory());
    }

    /**
     * Looks and follows once, waiting for it, then looks every two seconds.
     *
     * @param first what the process does before it has followed any plan; null if it need not be known
     */
    @MustBeClosed
    public static SpaceWatch start(Where where, @Nullable Deed first, Follower follower) {
        var watch = new SpaceWatch(where, first, follower);
        watch.look(Runnable::run);
        var unused = watch.timer.scheduleWithFixedDelay(
                () -> watch.look(watch.worker), PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return watch;
    }

    /** The plan as it was seen last. */
    public Optional<SpacePlan> plan() {
        return plan;
    }

    /** To follow may take its time, such as that of loading an encoder; the sign of life goes on meanwhile. */
    private void look(Executor executor) {
        try {
            Optional<SpacePlan> found = plans.read().map(SpacePlans.Kept::plan);
            plan = found;
            if (found.isEmpty()) {
                return;
            }
            if (following == null || following.isDone()) {
                following = CompletableFuture.runAsync(() -> follow(found.get()), executor);
            }
            Deed done = deed;
            if (done != null) {
                plans.beat(new SpacePlans.Beat(
                        process, done.kind(), done.fingerprints(), System.currentTimeMillis(), done.problem()));
            }
        } catch (IndexUnavailableException e) {
            LOG.debug("event=plan_unknown", e);
        } catch (RuntimeException e) {
            LOG.warn("event=plan_not_followed", e);
        }
    }

    private void follow(SpacePlan now) {
        try {
            deed = follower.follow(now);
        } catch (RuntimeException e) {
            LOG.warn("event=plan_not_followed", e);
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        worker.shutdown(); // an encoder that is being loaded is loaded to its end, and then closed by its owner
        try {
            if (!timer.awaitTermination(REQUEST.toSeconds() + 5, TimeUnit.SECONDS)
                    || !worker.awaitTermination(LOADING.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("event=space_watch_does_not_end");
            }
            if (plan.isPresent()) {
                plans.gone(process);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IndexException e) {
            LOG.debug("event=no_farewell", e);
        } finally {
            client.close();
        }
    }
}
