package lenstream.job.reembed;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpacePlans;
import lenstream.core.index.SpacePlans.Kept;
import lenstream.job.JobFailedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to carry out a plan, which one process has at a time. It renews it while it lives; of one that died on this
 * machine it is taken over at once, of one elsewhere after half a minute. Thread-safe.
 */
final class PlanLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PlanLock.class);
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final Duration RENEWAL = Duration.ofSeconds(8);

    private final SpacePlans plans;
    private final String owner;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("plan-lock").factory());
    private Kept kept; // under this
    private boolean lost; // under this

    private PlanLock(SpacePlans plans, String owner, Kept kept) {
        this.plans = plans;
        this.owner = owner;
        this.kept = kept;
        var unused = timer.scheduleWithFixedDelay(
                this::renew, RENEWAL.toMillis(), RENEWAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Takes the right to the plan that {@code next} makes of the present one.
     *
     * @param next of what is there; fails with the reason if it must not be
     * @throws JobFailedException if another process has it
     */
    @MustBeClosed
    static PlanLock take(SpacePlans plans, UnaryOperator<Optional<SpacePlan>> next) {
        Optional<Kept> before = plans.read();
        before.ifPresent(b -> requireFree(b.plan()));
        SpacePlan plan = next.apply(before.map(Kept::plan)).orElseThrow();
        String owner = LocalOwner.name();
        return new PlanLock(
                plans, owner, plans.write(plan.ownedBy(owner, System.currentTimeMillis() + LEASE.toMillis()), before));
    }

    private static void requireFree(SpacePlan plan) {
        if (plan.owner().isEmpty() || LocalOwner.isDead(plan.owner())) {
            return;
        }
        if (plan.ownedUntilMillis() > System.currentTimeMillis()) {
            throw new JobFailedException(
                    "process " + plan.owner() + " is at work on the move to another encoder: wait for its end, or stop"
                            + " it and try again in " + LEASE.toSeconds() + " s",
                    null);
        }
    }

    synchronized SpacePlan plan() {
        return kept.plan();
    }

    /** Writes the next state of the plan. */
    synchronized void advance(UnaryOperator<SpacePlan> next) {
        requireHeld();
        kept = plans.write(
                next.apply(kept.plan()).ownedBy(owner, System.currentTimeMillis() + LEASE.toMillis()),
                Optional.of(kept));
    }

    synchronized void requireHeld() {
        if (lost) {
            throw new JobFailedException("another process took over the move to another encoder", null);
        }
    }

    private synchronized void renew() {
        try {
            kept = plans.write(
                    kept.plan().ownedBy(owner, System.currentTimeMillis() + LEASE.toMillis()), Optional.of(kept));
        } catch (IndexUnavailableException e) {
            LOG.warn("event=lease_not_renewed", e);
        } catch (IndexException e) {
            LOG.warn("event=lease_lost", e);
            lost = true;
        }
    }

    /** Gives the right back; the plan stays as it is. */
    @Override
    public void close() {
        timer.shutdownNow();
        synchronized (this) {
            if (!lost) {
                try {
                    kept = plans.write(kept.plan().ownedBy("", 0), Optional.of(kept));
                } catch (IndexException e) {
                    LOG.warn("event=lease_not_returned", e);
                }
            }
        }
    }

    /** Names of processes: {@code host/pid/random}. */
    private static final class LocalOwner {
        static String name() {
            return host() + "/" + ProcessHandle.current().pid() + "/"
                    + UUID.randomUUID().toString().substring(0, 8);
        }

        static boolean isDead(String owner) {
            String[] parts = owner.split("/");
            return parts.length == 3
                    && parts[0].equals(host())
                    && ProcessHandle.of(Long.parseLong(parts[1]))
                            .filter(ProcessHandle::isAlive)
                            .isEmpty();
        }

        private static String host() {
            try {
                return java.net.InetAddress.getLocalHost().getHostName();
            } catch (java.net.UnknownHostException e) {
                return "localhost";
            }
        }
    }
}
