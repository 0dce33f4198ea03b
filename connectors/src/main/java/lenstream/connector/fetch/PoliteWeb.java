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
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;

/**
 * The web as a polite crawler may use it: each request obeys the robots rules of its origin and waits for its host's
 * turn, and the host's answers set the pace. Discovery and image requests of a job share one of these in a process, so
 * that a host sees one visitor.
 *
 * <p>Thread-safe. Blocking: call from virtual threads. {@link #close} by the last holder ends the connections.
 */
public final class PoliteWeb implements AutoCloseable {
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
    public static PoliteWeb lease(String job, FetchConfig config) {
        synchronized (JOBS) {
            Shared shared = JOBS.computeIfAbsent(job, unseen -> new Shared(job, config, Ticker.SYSTEM));
            shared.holders++;
            return new PoliteWeb(shared);
        }
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
                    shared.client.close();
                }
            }
        }
    }

    /** One client, one politeness, one robots cache; {@code holders} is guarded by {@link #JOBS}. */
    private static final class Shared {
        private final String job;
        private final FetchConfig config;
        private final WebClient client;
        private final HostPoliteness politeness;
        private final RobotsCache robots;
        private int holders;

        @SuppressWarnings("MustBeClosed") // closed by the last holder
        Shared(String job, FetchConfig config, Ticker ticker) {
            this.job = job;
            this.config = config;
            this.client = WebClient.open(config.web());
            this.politeness = new HostPoliteness(config.perHost(), config.backoff(), this::floor, ticker);
            this.robots = new RobotsCache(url -> request(url, Map.of()), ticker);
        }

        WebResponse request(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException {
            try (HostPoliteness.Permit permit = politeness.acquire(url.hostAndPort(), config.patience())) {
                try {
                    WebResponse response = client.get(url, headers);
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
                return Arrays.stream(InetAddress.getAllByName(name))
                        .allMatch(address -> client.guard().isListed(address));
            } catch (UnknownHostException e) {
                return false;
            }
        }
    }
}
