package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether the index can be searched with this encoder, by asking it every second on a thread of its own. So the
 * server is ready as soon as the index is, and says why while it is not. Thread-safe; does not own its client.
 */
final class IndexWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IndexWatch.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);

    private final IndexClient client;
    private final IndexLayout layout;
    private final Supplier<QueryEncoder> active;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("index-watch").factory());
    private volatile State state = new Waiting("The server has not asked the index yet; try again in a moment.");
    private volatile @Nullable Future<?> looking;
    private @Nullable Fingerprint checked; // whose mapping was found right

    sealed interface State {}

    /** The index can be searched. */
    record Ready(long documents) implements State {}

    /** It cannot; the reason is a sentence. */
    record Waiting(String reason) implements State {}

    /** @param active the encoder that queries are embedded with; it may change */
    IndexWatch(IndexClient client, IndexLayout layout, Supplier<QueryEncoder> active) {
        this.client = client;
        this.layout = layout;
        this.active = active;
    }

    /** Asks once, then every second. */
    void start() {
        look();
        looking = timer.scheduleWithFixedDelay(this::look, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    State state() {
        Future<?> watch = looking;
        if (watch != null && watch.isDone() && !timer.isShutdown()) { // only an Error ends it before the server stops
            return new Waiting("The server no longer watches the index; restart it, its log says why.");
        }
        return state;
    }

    /** Images of the index when it was asked last; 0 while it cannot be searched. */
    long documents() {
        return state instanceof Ready(long documents) ? documents : 0;
    }

    /** Says that no more requests are wanted. */
    void stopping() {
        timer.shutdownNow();
        state = new Waiting("The server is stopping.");
    }

    @Override
    public void close() {
        stopping();
    }

    private void look() {
        State before = state;
        State now;
        try {
            now = ask();
        } catch (IndexException e) {
            checked = null;
            now = new Waiting(e.getMessage() + ".");
        } catch (RuntimeException e) {
            LOG.error("event=index_watch_failed", e);
            now = new Waiting("The server cannot tell the state of the index; its log says why.");
        } catch (Error e) {
            LOG.error("event=index_watch_ended", e);
            throw e;
        }
        if (timer.isShutdown()) {
            return;
        }
        state = now;
        if (now instanceof Waiting waiting && !waiting.equals(before)) {
            LOG.info("event=not_ready reason=\"{}\"", waiting.reason());
        } else if (now instanceof Ready ready && !(before instanceof Ready)) {
            LOG.info("event=ready fingerprint={} documents={}", active.get().fingerprint(), ready.documents());
        }
    }

    private State ask() {
        Fingerprint fingerprint = active.get().fingerprint();
        String index = layout.imageIndex(fingerprint);
        IndexAnswer count = client.send("GET", "/" + index + "/_count", null);
        if (count.status() == 404) {
            return new Waiting(missing(fingerprint));
        }
        if (!count.ok()) {
            return new Waiting("The index does not answer now (" + count.status() + "); try again in a moment.");
        }
        if (!fingerprint.equals(checked)) {
            IndexSetup.check(client, layout, fingerprint, active.get().dim());
            checked = fingerprint;
        }
        return new Ready(count.json().path("count").asLong());
    }

    /** There is no index of this encoder; perhaps there is one of another. */
    private String missing(Fingerprint fingerprint) {
        IndexAnswer alias = client.send("GET", "/_alias/" + layout.readAlias(), null);
        if (alias.ok()) {
            JsonNode holders = alias.json();
            return "The index was built with another encoder ("
                    + String.join(
                            ", ",
                            holders.propertyStream().map(Map.Entry::getKey).toList())
                    + ") than this server's " + fingerprint + ": start it with that encoder's model.";
        }
        return "There is no index yet for " + fingerprint
                + ": index some images first, for example ./lenstream index DIR.";
    }
}
