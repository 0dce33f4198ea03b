package lenstream.search;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;
import lenstream.search.http.Exchange;
import lenstream.search.http.Metrics;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Stage;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /v1/status}: what the crawl, the index and this server are doing. However many look, it is worked out at
 * most every two seconds. Thread-safe.
 */
final class StatusRoutes implements Routes {
    private static final Duration FRESH = Duration.ofSeconds(2);

    private final ActiveSpace spaces;
    private final IndexWatch watch;
    private final Metrics metrics;
    private final InstallationStatus installation;
    private final JobsStatus jobs;
    private final long began = System.nanoTime();
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable ObjectNode last;
    private long lastAt;

    /** @param jobs REST addresses of the Flink clusters whose jobs are shown */
    StatusRoutes(
            ActiveSpace spaces,
            IndexWatch watch,
            Metrics metrics,
            IndexClient client,
            IndexLayout layout,
            Supplier<List<URI>> jobs) {
        this.spaces = spaces;
        this.watch = watch;
        this.metrics = metrics;
        this.installation = new InstallationStatus(client, layout);
        this.jobs = new JobsStatus(jobs);
    }

    @Override
    public void register(RouteTable table) {
        table.get("/v1/status", "status", this::status);
    }

    private void status(Exchange exchange) {
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        exchange.sendJson(current());
    }

    private ObjectNode current() {
        lock.lock();
        try {
            if (last == null || System.nanoTime() - lastAt > FRESH.toNanos()) {
                last = read();
                lastAt = System.nanoTime();
            }
            return last;
        } finally {
            lock.unlock();
        }
    }

    private ObjectNode read() {
        Instant now = Instant.now();
        Fingerprint fingerprint = spaces.current().fingerprint();
        ObjectNode status =
                JsonNodeFactory.instance.objectNode().put("at", now.toString()).put("fingerprint", fingerprint.value());
        installation.addTo(status, fingerprint, now);
        jobs.addTo(status);
        addServer(status.putObject("search"));
        return status;
    }

    private void addServer(ObjectNode json) {
        json.put("ready", watch.state() instanceof IndexWatch.Ready)
                .put("up_seconds", (System.nanoTime() - began) / 1_000_000_000)
                .put("requests", metrics.requests(0))
                .put("failed", metrics.requests(500))
                .put(
                        "cache_hits",
                        metrics.counter(TextCache.REQUESTS, TextCache.HIT).sum())
                .put(
                        "cache_misses",
                        metrics.counter(TextCache.REQUESTS, TextCache.MISS).sum());
        double p50 = metrics.quantile(Stage.TOTAL, 0.5);
        if (!Double.isNaN(p50)) {
            json.put("p50_seconds", p50).put("p99_seconds", metrics.quantile(Stage.TOTAL, 0.99));
        }
    }
}
