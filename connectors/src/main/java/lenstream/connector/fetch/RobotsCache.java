package lenstream.connector.fetch;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;

/**
 * The robots rules of every origin that was visited, fetched when first needed and at most once at a time.
 *
 * <p>2xx: rules. 4xx: everything is allowed, except 429, which counts as 5xx. 5xx, timeout, failed connection: nothing is
 * allowed and another attempt is made after a back-off; that is no denial, which would withdraw what is indexed. Redirects: five are followed, other hosts included; more count as
 * 4xx. Kept for 24 hours at most, {@code Cache-Control: max-age} may shorten that to no less than a minute. Source: RFC
 * 9309 §2.3.1.
 *
 * <p>Thread-safe. Blocking: call from a virtual thread. Holds the origins used last, 20,000 of them.
 */
final class RobotsCache {
    static final Duration LONGEST = Duration.ofHours(24);
    private static final Duration SHORTEST = Duration.ofMinutes(1);
    private static final Duration LAST_RETRY = Duration.ofHours(1);
    private static final int MAX_ORIGINS = 20_000;
    private static final int MAX_HOPS = 5;

    /** One polite request without a look at robots rules. */
    interface Requests {
        WebResponse get(CanonicalUrl url) throws IOException, InterruptedException;
    }

    private final Requests requests;
    private final long firstRetryMillis;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Origin> origins = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Origin> eldest) {
            return size() > MAX_ORIGINS;
        }
    };

    /** @param firstRetry after the first failure; doubles with each further one */
    RobotsCache(Requests requests, Duration firstRetry, Ticker ticker) {
        this.requests = requests;
        this.firstRetryMillis = firstRetry.toMillis();
        this.ticker = ticker;
    }

    /**
     * The rules for a URL's origin.
     *
     * @throws HostUnavailableException while the robots.txt cannot be read: nothing may be asked for
     * @throws WebException if the host may not be reached at all
     */
    RobotsRules rules(CanonicalUrl url) throws IOException, InterruptedException {
        Origin entry = entry(url.origin());
        entry.lock.lockInterruptibly();
        try {
            if (entry.rules == null || ticker.millis() >= entry.expiresAt) {
                if (entry.failures > 0 && ticker.millis() < entry.retryAt) {
                    throw entry.unavailable(url.origin(), ticker.millis());
                }
                load(entry, url);
            }
            if (entry.rules == null) {
                throw entry.unavailable(url.origin(), ticker.millis());
            }
            return entry.rules;
        } finally {
            entry.lock.unlock();
        }
    }

    /** The rules of an origin that were read last, if they still are here. Does not wait for those that are being read. */
    Optional<RobotsRules> known(String origin) {
        Origin entry;
        lock.lock();
        try {
            entry = origins.get(origin);
        } finally {
            lock.unlock();
        }
        if (entry == null || !entry.lock.tryLock()) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(entry.rules);
        } finally {
            entry.lock.unlock();
        }
    }

    private Origin entry(String origin) {
        lock.lock();
        try {
            return origins.computeIfAbsent(origin, unseen -> new Origin(firstRetryMillis));
        } finally {
            lock.unlock();
        }
    }

    private void load(Origin entry, CanonicalUrl url) throws IOException, InterruptedException {
        CanonicalUrl robotsUrl = url.resolve("/robots.txt").orElseThrow();
        try {
            CanonicalUrl at = robotsUrl;
            WebResponse response = requests.get(at);
            for (int hop = 0; response.isRedirect() && hop < MAX_HOPS; hop++) {
                at = WebClient.redirect(response);
                response = requests.get(at);
            }
            int status = response.status();
            if (status == 429 || status >= 500) {
                long retryAfter = HttpTimes.retryAfterMillis(response, System.currentTimeMillis());
                Reason reason = status == 429 ? Reason.RATE_LIMITED : Reason.SERVER_ERROR;
                entry.failed(reason, "status " + status, retryAfter, ticker.millis());
            } else {
                RobotsRules rules = status >= 200 && status < 300
                        ? RobotsRules.parse(robotsUrl, response.body())
                        : RobotsRules.allowAll();
                entry.loaded(rules, ticker.millis() + timeToLive(response));
            }
        } catch (HostUnavailableException e) {
            entry.failed(e.reason(), String.valueOf(e.getMessage()), e.delayMillis(), ticker.millis());
        } catch (WebException e) {
            switch (e.reason()) {
                case ADDRESS_DENIED -> throw e;
                case BAD_URL -> entry.loaded(RobotsRules.allowAll(), ticker.millis() + LONGEST.toMillis());
                default -> entry.failed(e.reason(), String.valueOf(e.getMessage()), 0, ticker.millis());
            }
        }
    }

    private static long timeToLive(WebResponse response) {
        Optional<Duration> maxAge = HttpTimes.maxAge(response);
        long millis = maxAge.orElse(LONGEST).toMillis();
        return Math.clamp(millis, SHORTEST.toMillis(), LONGEST.toMillis());
    }

    /** Guarded by its lock. */
    private static final class Origin {
        private final ReentrantLock lock = new ReentrantLock();
        private final long firstRetryMillis;
        private @Nullable RobotsRules rules;
        private long expiresAt;
        private int failures;
        private long retryAt;
        private Reason reason = Reason.SERVER_ERROR;
        private String why = "";

        Origin(long firstRetryMillis) {
            this.firstRetryMillis = firstRetryMillis;
        }

        void loaded(RobotsRules loaded, long expires) {
            rules = loaded;
            expiresAt = expires;
            failures = 0;
        }

        void failed(Reason failure, String detail, long retryAfterMillis, long now) {
            rules = null;
            failures++;
            reason = failure;
            why = detail;
            long pause = firstRetryMillis << Math.min(failures - 1, 20);
            retryAt = now + Math.max(retryAfterMillis, Math.min(pause, LAST_RETRY.toMillis()));
        }

        HostUnavailableException unavailable(String origin, long now) {
            return new HostUnavailableException(
                    reason,
                    origin + "/robots.txt cannot be read, so nothing is asked for: " + why,
                    Math.max(TimeUnit.SECONDS.toMillis(1), retryAt - now));
        }
    }
}
