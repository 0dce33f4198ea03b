package lenstream.connector.fetch;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import lenstream.core.image.Reason;

/**
 * Says when a request to a host may start. Per host: a bounded number of requests at once, first come, first served; a
 * pause between the end of one and the start of the next, so that the server too sees the full gap; a longer one where
 * robots.txt asks for it; exponential back-off after answers 429 and 5xx, timeouts and failed connections, never shorter
 * than a {@code Retry-After}; and a circuit breaker that leaves a host alone after repeated failures and then lets
 * one request try.
 *
 * <p>Thread-safe. {@link #acquire} blocks: call from a virtual thread. State of idle, healthy hosts is dropped when
 * many hosts have been seen; an active host costs some 200 bytes.
 */
final class HostPoliteness {
    static final int FAILURES_TO_BREAK = 8;
    static final long LONGEST_BACKOFF_MILLIS = TimeUnit.MINUTES.toMillis(5);
    static final long BREAK_MILLIS = TimeUnit.MINUTES.toMillis(10);
    static final long LONGEST_RETRY_AFTER_MILLIS = TimeUnit.DAYS.toMillis(1);
    private static final int HOSTS_BEFORE_CLEANING = 20_000;

    private final int perHost;
    private final long backoffMillis;
    private final Function<String, Duration> floor;
    private final Ticker ticker;
    private volatile long quietFrom;
    private final ConcurrentHashMap<String, Host> hosts = new ConcurrentHashMap<>();

    /**
     * @param perHost requests at once to one host
     * @param backoff after a host's first failure
     * @param floor the least delay for a host; asked once per host on the acquiring thread, may block
     */
    HostPoliteness(int perHost, Duration backoff, Function<String, Duration> floor, Ticker ticker) {
        this(perHost, backoff, floor, ticker, Long.MIN_VALUE);
    }

    /**
     * @param quietFrom when another process may have asked any of the hosts, in the ticker's milliseconds: each host's
     *     delay counts from then; {@link Long#MIN_VALUE} for never
     */
    HostPoliteness(int perHost, Duration backoff, Function<String, Duration> floor, Ticker ticker, long quietFrom) {
        this.perHost = perHost;
        this.backoffMillis = backoff.toMillis();
        this.floor = floor;
        this.ticker = ticker;
        this.quietFrom = quietFrom;
    }

    /**
     * Waits until a request to the host may start.
     *
     * @param host host and port
     * @param patience the longest wait
     * @throws HostUnavailableException if it would take longer
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // ownership passes to the caller
    Permit acquire(String host, Duration patience) throws HostUnavailableException, InterruptedException {
        long giveUpAt = ticker.millis() + patience.toMillis();
        Host state = slot(host, patience);
        boolean admitted = false;
        try {
            while (true) {
                long now = ticker.millis();
                long at = state.nextAt();
                if (at <= now) {
                    state.started(ticker.millisCeil());
                    admitted = true;
                    return new Permit(state);
                }
                if (at > giveUpAt) {
                    throw state.unavailable(host, at - now);
                }
                ticker.sleep(at - now);
            }
        } finally {
            if (!admitted) {
                state.slots.release();
            }
        }
    }

    /** Milliseconds until the host's delay and back-off are over; zero for a host never visited. Does not block. */
    long waitMillis(String host) {
        Host state = hosts.get(host);
        return state == null ? 0 : Math.max(0, state.nextAt() - ticker.millis());
    }

    /** Why a host has to be left alone for longer than this; empty if it has not. Does not block. */
    Optional<HostUnavailableException> unavailable(String host, Duration patience) {
        Host state = hosts.get(host);
        long wait = waitMillis(host);
        return state == null || wait <= patience.toMillis()
                ? Optional.empty()
                : Optional.of(state.unavailable(host, wait));
    }

    /**
     * The hosts that have to be remembered over a restart: those that failed, and those that want more than {@code
     * usual} between two requests.
     *
     * @param nowMillis epoch ms
     */
    Map<String, HostPace> paces(Duration usual, long nowMillis) {
        var paces = new HashMap<String, HostPace>();
        long now = ticker.millis();
        hosts.forEach((name, host) -> {
            HostPace pace = host.pace(now, nowMillis);
            if (pace.failures() > 0 || pace.delayMillis() > usual.toMillis()) {
                paces.put(name, pace);
            }
        });
        return paces;
    }

    /** Takes up a host as it was before a restart; it may have been asked up to this very moment. */
    void remember(String host, HostPace pace, long nowMillis) {
        hosts.computeIfAbsent(host, unseen -> new Host(pace.delayMillis(), perHost, Long.MIN_VALUE))
                .remember(pace, ticker.millisCeil(), nowMillis);
    }

    /** Lets each host rest for its delay from now on: others may have asked any of them until just now. */
    void rest() {
        long now = ticker.millisCeil();
        quietFrom = now;
        hosts.values().forEach(host -> host.ended(now));
    }

    /** Sets what robots.txt asks for; shorter than the floor it has no effect. */
    void crawlDelay(String host, Duration delay) {
        host(host).crawlDelay(delay.toMillis());
    }

    private Host slot(String host, Duration patience) throws HostUnavailableException, InterruptedException {
        while (true) {
            Host state = host(host);
            if (!state.slots.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new HostUnavailableException(
                        Reason.RATE_LIMITED, host + ": no turn within " + patience.toSeconds() + " s", 1_000);
            }
            if (hosts.get(host) == state) {
                return state;
            }
            state.slots.release(); // it was dropped as idle in between
        }
    }

    private Host host(String name) {
        Host known = hosts.get(name);
        if (known != null) {
            return known;
        }
        if (hosts.size() >= HOSTS_BEFORE_CLEANING) {
            long now = ticker.millis();
            hosts.values().removeIf(host -> host.isIdle(now, perHost));
        }
        Duration least = floor.apply(name);
        return hosts.computeIfAbsent(name, unseen -> new Host(least.toMillis(), perHost, quietFrom));
    }

    /** A turn of this process. Confined to the acquiring thread. */
    final class Permit implements Turn {
        private final Host host;
        private boolean open = true;

        private Permit(Host host) {
            this.host = host;
        }

        @Override
        public void succeeded() {
            host.succeeded();
        }

        @Override
        public void failed(Reason reason, long retryAfterMillis) {
            host.failed(
                    reason, Math.min(retryAfterMillis, LONGEST_RETRY_AFTER_MILLIS), ticker.millisCeil(), backoffMillis);
        }

        @Override
        public void close() {
            if (open) {
                open = false;
                host.ended(ticker.millisCeil());
                host.slots.release();
            }
        }
    }

    /** Guarded by its lock, except the slots. */
    private static final class Host {
        private final ReentrantLock lock = new ReentrantLock();
        private final Semaphore slots;
        private long delay;
        private long restUntil = Long.MIN_VALUE;
        private long blockedUntil = Long.MIN_VALUE;
        private int failures;
        private Reason lastFailure = Reason.CONNECTION_FAILED;

        Host(long delay, int perHost, long quietFrom) {
            this.delay = delay;
            this.restUntil = quietFrom == Long.MIN_VALUE ? Long.MIN_VALUE : quietFrom + delay;
            this.slots = new Semaphore(perHost, true);
        }

        HostPace pace(long now, long epochMillis) {
            lock.lock();
            try {
                long blocked = blockedUntil == Long.MIN_VALUE ? 0 : epochMillis + blockedUntil - now;
                return new HostPace(delay, blocked, failures, lastFailure);
            } finally {
                lock.unlock();
            }
        }

        void remember(HostPace pace, long now, long epochMillis) {
            lock.lock();
            try {
                delay = Math.max(delay, pace.delayMillis());
                restUntil = Math.max(restUntil, now + delay);
                failures = Math.max(failures, pace.failures());
                lastFailure = pace.lastFailure();
                if (pace.blockedUntilMillis() > epochMillis) {
                    blockedUntil = Math.max(blockedUntil, now + pace.blockedUntilMillis() - epochMillis);
                }
            } finally {
                lock.unlock();
            }
        }

        long nextAt() {
            lock.lock();
            try {
                return Math.max(restUntil, blockedUntil);
            } finally {
                lock.unlock();
            }
        }

        void started(long now) {
            lock.lock();
            try {
                restUntil = rest(now);
            } finally {
                lock.unlock();
            }
        }

        void ended(long now) {
            lock.lock();
            try {
                restUntil = Math.max(restUntil, rest(now));
            } finally {
                lock.unlock();
            }
        }

        /** @param now rounded up; without a delay the next request need not wait for the rest of the millisecond */
        private long rest(long now) {
            return delay == 0 ? now - 1 : now + delay;
        }

        void crawlDelay(long millis) {
            lock.lock();
            try {
                if (millis > delay) {
                    if (restUntil != Long.MIN_VALUE) {
                        restUntil += millis - delay + (delay == 0 ? 1 : 0);
                    }
                    delay = millis;
                }
            } finally {
                lock.unlock();
            }
        }

        void succeeded() {
            lock.lock();
            try {
                failures = 0;
                blockedUntil = Long.MIN_VALUE;
            } finally {
                lock.unlock();
            }
        }

        void failed(Reason reason, long retryAfterMillis, long now, long backoffMillis) {
            lock.lock();
            try {
                failures++;
                lastFailure = reason;
                long pause = failures >= FAILURES_TO_BREAK
                        ? BREAK_MILLIS
                        : Math.min(backoffMillis << (failures - 1), LONGEST_BACKOFF_MILLIS);
                blockedUntil = Math.max(blockedUntil, now + Math.max(pause, retryAfterMillis));
            } finally {
                lock.unlock();
            }
        }

        HostUnavailableException unavailable(String host, long waitMillis) {
            lock.lock();
            try {
                if (failures > 0) {
                    return new HostUnavailableException(
                            lastFailure,
                            host + ": left alone for " + waitMillis / 1000 + " s after " + failures
                                    + (failures == 1 ? " failure" : " failures"),
                            waitMillis);
                }
                return new HostUnavailableException(
                        Reason.RATE_LIMITED,
                        host + ": wants " + delay / 1000 + " s between requests, the next in " + waitMillis / 1000
                                + " s",
                        waitMillis);
            } finally {
                lock.unlock();
            }
        }

        boolean isIdle(long now, int perHost) {
            lock.lock();
            try {
                return failures == 0 && Math.max(restUntil, blockedUntil) <= now && slots.availablePermits() == perHost;
            } finally {
                lock.unlock();
            }
        }
    }
}
