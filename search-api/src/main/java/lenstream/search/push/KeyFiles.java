package lenstream.search.push;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;

/**
 * IndexNow's proof: a file on the host holds the key. The guarded client fetches it; an answer holds for a while, so that a
 * host is not asked with each submission. Thread-safe.
 */
final class KeyFiles {
    private static final long PROVED_MILLIS = Duration.ofHours(24).toMillis();
    private static final long FAILED_MILLIS = Duration.ofMinutes(2).toMillis();
    private static final int MOST_REMEMBERED = 100_000;
    private static final int CHECKS_AT_ONCE = 64;

    private record Known(boolean holds, long untilMillis) {}

    private final WebClient web;
    private final LongSupplier clock;
    private final Semaphore checks = new Semaphore(CHECKS_AT_ONCE);
    private final Map<String, Known> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Known> eldest) {
            return size() > MOST_REMEMBERED;
        }
    };

    KeyFiles(WebClient web, LongSupplier clock) {
        this.web = web;
        this.clock = clock;
    }

    /** What a check came to. */
    enum Proof {
        HOLDS,
        FAILS,
        /** Not known in time; it is told once it is. */
        PENDING,
        /** Too many checks are going on. */
        BUSY
    }

    /**
     * Whether this file holds the key.
     *
     * @param limit how long to wait for the answer
     * @param late run when an answer that came after the limit is that it does
     */
    Proof check(CanonicalUrl file, String key, Duration limit, Runnable late) throws InterruptedException {
        String name = file.value() + " " + key;
        synchronized (known) {
            Known before = known.get(name);
            if (before != null && before.untilMillis() > clock.getAsLong()) {
                return before.holds() ? Proof.HOLDS : Proof.FAILS;
            }
        }
        if (!checks.tryAcquire()) {
            return Proof.BUSY;
        }
        var answer = new CompletableFuture<Boolean>();
        Thread.ofVirtual().name("indexnow-key").start(() -> {
            try {
                answer.complete(holds(file, key, name));
            } finally {
                checks.release();
                answer.complete(false);
            }
        });
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS) ? Proof.HOLDS : Proof.FAILS;
        } catch (TimeoutException e) {
            var unused = answer.thenAccept(holds -> {
                if (holds) {
                    late.run();
                }
            });
            return Proof.PENDING;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private boolean holds(CanonicalUrl file, String key, String name) {
        boolean holds = false;
        try {
            WebResponse response = web.fetch(file, Map.of("Accept", "text/plain"));
            String text = new String(response.body(), StandardCharsets.UTF_8);
            holds = response.status() == 200
                    && response.url().hostAndPort().equals(file.hostAndPort())
                    && text.replace("\uFEFF", "").strip().equals(key);
        } catch (WebException e) {
            holds = false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (known) {
            known.put(name, new Known(holds, clock.getAsLong() + (holds ? PROVED_MILLIS : FAILED_MILLIS)));
        }
        return holds;
    }
}
