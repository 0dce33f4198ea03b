package lenstream.connector.fetch;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import lenstream.core.image.Reason;
import lenstream.core.web.AddressGuard;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebConfig;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The web as a polite crawler may use it: each request obeys the robots rules of its origin and waits for its host's
 * turn, and the host's answers set the pace. Discovery and image requests of a job share one of these in a process, so
 * that a host sees one visitor.
 *
 * <p>Thread-safe. Blocking: call from virtual threads. {@link #close} by the last holder ends the connections.
 */
public final class PoliteWeb implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PoliteWeb.class);
    private static final Map<String, Shared> JOBS = new HashMap<>();
    /** How long a request waits for the reader of its own process, which Flink starts at the same time. */
    private static final Duration DISCOVERY_LIMIT = Duration.ofSeconds(30);
    /** A robots.txt that fails is asked for again after this many times the usual pause. */
    private static final int ROBOTS_PAUSES = 5;

    private final Shared shared;
    private @Nullable HostTurns turns;
    private int subtask;
    private boolean open = true;

    private PoliteWeb(Shared shared) {
        this.shared = shared;
    }

    /**
     * The web of a job in this process; the first holder's configuration counts.
     *
     * @param job the job's id
     * @param sharesHosts whether the job's processes share their hosts: nothing is asked for then until somebody has joined, since
     *     after a restart the visits that wait may start before the reader through which they have to ask for turns
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the last holder closes the client
    public static PoliteWeb lease(String job, FetchConfig config, boolean sharesHosts) {
        synchronized (JOBS) {
            Shared shared = JOBS.computeIfAbsent(
                    job,
                    unseen -> new Shared(
                            job, config, sharesHosts, Ticker.SYSTEM, transport(WebClient.open(config.web()))));
            shared.holders++;
            return new PoliteWeb(shared);
        }
    }

    private static Transport transport(WebClient client) {
        return new Transport() {
            @Override
            public WebResponse get(CanonicalUrl url, Map<String, String> headers)
                    throws IOException, InterruptedException {
                return client.get(url, headers);
            }

            @Override
            public void close() {
                client.close();
            }
        };
    }

    /** The same over another transport, not shared with anyone. */
    @MustBeClosed
    static PoliteWeb over(Transport transport, FetchConfig config) {
        var alone = new Shared("", config, false, Ticker.SYSTEM, transport);
        alone.holders++;
        return new PoliteWeb(alone);
    }

    /** Sends one request. Thread-safe, blocking. */
    interface Transport extends AutoCloseable {
        /** As {@link WebClient#get}. */
        WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException;

        @Override
        void close();
    }

    /**
     * One request, redirects not followed.
     *
     * @throws WebException if robots rules forbid it ({@link Reason#ROBOTS_DENIED}) or no whole answer came
     * @throws HostUnavailableException if the host has to be left alone for now
     */
    public WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException {
        Optional<String> denial = robots(url).denial(url);
        if (denial.isPresent()) {
            throw new WebException(
                    Reason.ROBOTS_DENIED, url + ": forbidden by " + url.origin() + "/robots.txt: " + denial.get());
        }
        return shared.request(url, headers);
    }

    /**
     * The robots rules that hold for a URL.
     *
     * @throws HostUnavailableException while they cannot be read
     */
    public RobotsRules robots(CanonicalUrl url) throws IOException, InterruptedException {
        RobotsRules rules = shared.robots.rules(url);
        rules.crawlDelay().ifPresent(delay -> shared.crawlDelay(url.hostAndPort(), delay));
        return rules;
    }

    /**
     * Makes a subtask of this process known: the hosts it looks after are this process's own, and for a turn at any other
     * host the subtask that looks after it is asked. Ends when this object is closed.
     *
     * @param self the subtask
     * @param owners the subtask that looks after a host
     * @param post sends a message to the subtask that it is for; does not block, and may be called by any thread
     */
    @SuppressWarnings("MustBeClosed") // freed in close()
    public HostTurns join(int self, ToIntFunction<String> owners, Consumer<TurnMessage> post) {
        WebConfig web = shared.config.web();
        var joined = new HostTurns(
                self,
                owners,
                post,
                shared.politeness,
                web.totalTimeout().plus(web.connectTimeout()).multipliedBy(2));
        shared.politeness.rest(); // until now its hosts may have been another process's
        shared.turns.put(self, joined);
        shared.left.remove(self);
        shared.discovery.countDown();
        turns = joined;
        subtask = self;
        return joined;
    }

    /** The line of robots.txt that decides about a URL, if its robots.txt was read; asks nobody and does not block. */
    Optional<String> robotsLine(String url) {
        return CanonicalUrl.of(url)
                .flatMap(asked -> shared.robots.known(asked.origin()).map(rules -> rules.decision(asked)));
    }

    /** Milliseconds until a request to this host can start at the earliest. Does not block. */
    public long waitMillis(String host) {
        return shared.politeness.waitMillis(host);
    }

    /** The hosts whose pace has to be remembered over a restart. */
    Map<String, HostPace> paces() {
        return shared.politeness.paces(
                shared.config.minDelay().isZero() ? FetchConfig.PUBLIC_FLOOR : shared.config.minDelay(),
                System.currentTimeMillis());
    }

    /** Takes up the hosts' pace from before a restart; until it has been told, {@link #awaitPaces} waits. */
    void remember(Map<String, HostPace> paces) {
        paces.forEach((host, pace) -> shared.politeness.remember(host, pace, System.currentTimeMillis()));
        shared.pacesKnown.countDown();
    }

    /** Waits until the pace of the hosts is known that were asked before a restart, or until the limit is over. */
    public void awaitPaces(Duration limit) throws InterruptedException {
        if (!shared.pacesKnown.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            LOG.warn(
                    "job={} nobody said how fast its hosts may be asked within seconds={}",
                    shared.job,
                    limit.toSeconds());
        }
    }

    /** Why a host has to be left alone for longer than the patience; empty if it has not. Does not block. */
    Optional<HostUnavailableException> unavailable(String host) {
        FetchConfig config = shared.config;
        // a delay that the person chose is waited for
        Duration patience = config.patience().compareTo(config.minDelay()) > 0 ? config.patience() : config.minDelay();
        return shared.politeness.unavailable(host, patience);
    }

    @Override
    public void close() {
        synchronized (JOBS) {
            if (open) {
                open = false;
                if (turns != null) {
                    shared.left.put(subtask, turns);
                    shared.turns.remove(subtask, turns);
                    turns.close();
                }
                shared.holders--;
                if (shared.holders == 0) {
                    JOBS.remove(shared.job, shared);
                    shared.transport.close();
                }
            }
        }
    }

    /** One client, one politeness, one robots cache; {@code holders} is guarded by {@link #JOBS}. */
    private static final class Shared {
        private final String job;
        private final FetchConfig config;
        private final boolean sharesHosts;
        private final Transport transport;
        private final AddressGuard guard;
        private final HostPoliteness politeness;
        private final RobotsCache robots;
        private final CountDownLatch pacesKnown = new CountDownLatch(1);
        private final CountDownLatch discovery = new CountDownLatch(1);
        /** By subtask of this process. */
        private final Map<Integer, HostTurns> turns = new ConcurrentHashMap<>();
        /** The same of those that have ended: they ask for no turns, and still tell which hosts were not theirs. */
        private final Map<Integer, HostTurns> left = new ConcurrentHashMap<>();

        private int holders;

        Shared(String job, FetchConfig config, boolean sharesHosts, Ticker ticker, Transport transport) {
            this.job = job;
            this.config = config;
            this.sharesHosts = sharesHosts;
            this.transport = transport;
            this.guard = AddressGuard.allowing(config.web().allowPrivate());
            // what asked before a restart may have done so until just now
            this.politeness =
                    new HostPoliteness(config.perHost(), config.backoff(), this::floor, ticker, ticker.millisCeil());
            this.robots = new RobotsCache(
                    url -> request(url, Map.of()), config.backoff().multipliedBy(ROBOTS_PAUSES), ticker);
        }

        WebResponse request(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException {
            try (Turn permit = turn(url.hostAndPort())) {
                try {
                    WebResponse response = transport.get(url, headers);
                    int status = response.status();
                    if (status == 429 || status >= 500) {
                        permit.failed(
                                status == 429 ? Reason.RATE_LIMITED : Reason.SERVER_ERROR,
                                HttpTimes.retryAfterMillis(response, System.currentTimeMillis()));
                    } else {
                        permit.succeeded();
                    }
                    return response;
                } catch (WebException e) {
                    if (e.reason() == Reason.TIMEOUT || e.reason() == Reason.CONNECTION_FAILED) {
                        permit.failed(e.reason(), 0);
                    }
                    throw e;
                }
            }
        }

        @MustBeClosed
        @SuppressWarnings("MustBeClosed") // ownership passes to the caller
        private Turn turn(String host) throws IOException, InterruptedException {
            if (sharesHosts && !discovery.await(DISCOVERY_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new HostUnavailableException(
                        Reason.RATE_LIMITED, host + ": nobody is there yet who could ask for a turn", 1_000);
            }
            HostTurns elsewhere = elsewhere(turns, host);
            if (elsewhere != null) {
                return elsewhere.take(host, config.patience());
            }
            if (turns.isEmpty() && elsewhere(left, host) != null) {
                // discovery ends before the last visits do: these must not follow a redirect to others' hosts unasked
                throw new HostUnavailableException(
                        Reason.RATE_LIMITED, host + ": nobody is left who could ask for a turn", 1_000);
            }
            return politeness.acquire(host, config.patience());
        }

        void crawlDelay(String host, Duration delay) {
            HostTurns elsewhere = elsewhere(turns, host);
            if (elsewhere == null) {
                politeness.crawlDelay(host, delay);
            } else {
                elsewhere.crawlDelay(host, delay);
            }
        }

        /** How to get a turn at a host of another process; null for a host of this one. */
        private static @Nullable HostTurns elsewhere(Map<Integer, HostTurns> turns, String host) {
            var any = turns.values().iterator();
            if (!any.hasNext()) {
                return null; // a job whose source looks after no hosts
            }
            HostTurns asker = any.next();
            return turns.containsKey(asker.owner(host)) ? null : asker;
        }

        /** No delay is for the person's own networks alone. */
        private Duration floor(String host) {
            if (!config.minDelay().isZero() || isListed(host)) {
                return config.minDelay();
            }
            return FetchConfig.PUBLIC_FLOOR;
        }

        private boolean isListed(String host) {
            int colon = host.lastIndexOf(':');
            String name = colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
            try {
                return Arrays.stream(InetAddress.getAllByName(name)).allMatch(guard::isListed);
            } catch (UnknownHostException e) {
                return false;
            }
        }
    }
}
