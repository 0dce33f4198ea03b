package lenstream.core.index;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the {@link SpacePlan} on a thread of its own: the listener gets each plan it sees, every two seconds, and says
 * what the process does with it, which becomes the process's sign of life. An index that does not answer changes nothing.
 * Thread-safe; {@link #close} ends the thread.
 */
public final class SpaceWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceWatch.class);
    private static final Duration PERIOD = Duration.ofSeconds(2);
    private static final Duration REQUEST = Duration.ofSeconds(10);

    private final IndexClient client;
    private final SpacePlans plans;
    private final Follower follower;
    private final String process = UUID.randomUUID().toString();
    private final ScheduledExecutorService timer;
    private volatile Optional<SpacePlan> plan = Optional.empty();

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
    private SpaceWatch(Where where, Follower follower) {
        this.client = IndexClient.open(where.openSearch().withRequestTimeout(REQUEST));
        this.plans = new SpacePlans(client, where.layout());
        this.follower = follower;
        this.timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("space-watch").factory());
    }

    /** Looks once, waiting for it, then every two seconds. */
    @MustBeClosed
    public static SpaceWatch start(Where where, Follower follower) {
        var watch = new SpaceWatch(where, follower);
        watch.look();
        var unused = watch.timer.scheduleWithFixedDelay(
                watch::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return watch;
    }

    /** The plan as it was seen last. */
    public Optional<SpacePlan> plan() {
        return plan;
    }

    private void look() {
        try {
            Optional<SpacePlan> found = plans.read().map(SpacePlans.Kept::plan);
            plan = found;
            if (found.isPresent()) {
                Deed deed = follower.follow(found.get());
                if (deed != null) {
                    plans.beat(new SpacePlans.Beat(
                            process, deed.kind(), deed.fingerprints(), System.currentTimeMillis(), deed.problem()));
                }
            }
        } catch (IndexUnavailableException e) {
            LOG.debug("event=plan_unknown", e);
        } catch (RuntimeException e) {
            LOG.warn("event=plan_not_followed", e);
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        try {
            if (!timer.awaitTermination(REQUEST.toSeconds() + 5, TimeUnit.SECONDS)) {
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
