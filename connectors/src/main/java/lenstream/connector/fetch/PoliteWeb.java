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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.Reason;
import lenstream.core.web.AddressGuard;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
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

    private final Shared shared;
    private boolean open = true;

    private PoliteWeb(Shared shared) {
        this.shared = shared;
    }

    /**
     * The web of a job in this process; the first holder's configuration counts.
     *
     * @param job the job's id
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the last holder closes the client
    public static PoliteWeb lease(String job, FetchConfig config) {
        synchronized (JOBS) {
            Shared shared = JOBS.computeIfAbsent(
                    job, unseen -> new Shared(job, config, Ticker.SYSTEM, transport(WebClient.open(config.web()))));
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
        var alone = new Shared("", config, Ticker.SYSTEM, transport);
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
        rules.crawlDelay().ifPresent(delay -> shared.politeness.crawlDelay(url.hostAndPort(), delay));
        return rules;
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
        private final Transport transport;
        private final AddressGuard guard;
        private final HostPoliteness politeness;
        private final RobotsCache robots;
        private final CountDownLatch pacesKnown = new CountDownLatch(1);
        private int holders;

        Shared(String job, FetchConfig config, Ticker ticker, Transport transport) {
            this.job = job;
            this.config = config;
            this.transport = transport;
            this.guard = AddressGuard.allowing(config.web().allowPrivate());
            // what asked before a restart may have done so until just now
            this.politeness =
                    new HostPoliteness(config.perHost(), config.backoff(), this::floor, ticker, ticker.millis());
            this.robots = new RobotsCache(url -> request(url, Map.of()), ticker);
        }

        WebResponse request(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException {
            try (HostPoliteness.Permit permit = politeness.acquire(url.hostAndPort(), config.patience())) {
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
