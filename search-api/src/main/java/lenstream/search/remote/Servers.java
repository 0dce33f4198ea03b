package lenstream.search.remote;

import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import lenstream.search.http.Deadline;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inference servers that have the same models, asked in turn. A call that finds no one is made once more, elsewhere or over another
 * connection. A server that has failed several times in a row is left alone, for a second at first and up to half a minute, then
 * one call tries it; while there is no other, queries get 503 at once instead of waiting. Thread-safe; owns its connections.
 */
final class Servers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Servers.class);
    private static final int ATTEMPTS = 2;
    private static final int PATIENCE = 3;
    private static final long FIRST_PAUSE_NANOS = 1_000_000_000L;
    private static final int MOST_DOUBLINGS = 5;

    private final Duration timeout;
    private final List<Server> servers = new ArrayList<>();
    private final LongAdder done;
    private final LongAdder failed;
    private int next; // under this

    private static final class Server {
        final URI uri;
        final InferenceClient client;
        int failures; // in a row; under the owner's lock
        long pausedUntil; // under the owner's lock
        String reason = ""; // under the owner's lock

        Server(URI uri, InferenceClient client) {
            this.uri = uri;
            this.client = client;
        }

        boolean open(long now) {
            return failures < PATIENCE || now - pausedUntil >= 0;
        }
    }

    Servers(RemoteConfig config, Metrics metrics) {
        this.timeout = config.timeout();
        this.done = metrics.counter("lenstream_search_remote_requests_total", "result=\"ok\"");
        this.failed = metrics.counter("lenstream_search_remote_requests_total", "result=\"failed\"");
        metrics.gauge("lenstream_search_remote_servers", "state=\"up\"", this::up);
        try {
            for (String url : config.urls()) {
                URI uri = RemoteConfig.uri(url);
                boolean grpc = uri.getScheme().startsWith("grpc");
                servers.add(new Server(uri, grpc ? new GrpcClient(uri, config) : new RestClient(uri, config)));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** All of them, for the questions of the start. */
    List<InferenceClient> clients() {
        return servers.stream().map(server -> server.client).toList();
    }

    /**
     * The values of a call's output.
     *
     * @throws ProblemException with 429 if the servers are busy, with 503 if none answers
     * @throws IllegalStateException if a server refuses what it is asked
     */
    ByteBuffer infer(InferenceClient.Call call) {
        Server server = null;
        RemoteException failure = null;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long left = Deadline.current().leftNanos();
            if (left <= 0) {
                break;
            }
            server = choose(server);
            if (server == null) {
                break;
            }
            if (attempt > 0) {
                server.client.reconnect();
            }
            try {
                ByteBuffer values = server.client.infer(call, Duration.ofNanos(Math.min(left, timeout.toNanos())));
                succeeded(server);
                return values;
            } catch (RemoteException e) {
                failed.increment();
                switch (e.kind()) {
                    case REFUSED -> {
                        succeeded(server); // it is there
                        throw new IllegalStateException("the encoder's server refuses a call: " + e.reason(), e);
                    }
                    case BUSY -> {
                        succeeded(server);
                        throw ProblemException.busy("The encoder's server is busy: try again in a second.");
                    }
                    case UNREACHABLE -> {
                        failed(server, e);
                        failure = e;
                    }
                }
            }
        }
        LOG.warn("event=remote_call_failed reason=\"{}\"", failure == null ? reason() : failure.reason());
        throw ProblemException.unavailable(
                "The encoder's server does not answer now: try again in a moment. Searches that"
                        + " need no embedding (id, vector) are answered.");
    }

    /** The next one that may be asked, another one than last time if there is one; null if none may. */
    private synchronized @Nullable Server choose(@Nullable Server last) {
        long now = System.nanoTime();
        Server chosen = null;
        for (int i = 0; i < servers.size(); i++) {
            Server server = servers.get((next + i) % servers.size());
            if (server.open(now) && (chosen == null || chosen == last)) {
                chosen = server;
            }
        }
        next = (next + 1) % servers.size();
        if (chosen != null && chosen.failures >= PATIENCE) {
            chosen.pausedUntil = now + timeout.toNanos(); // this call alone tries it
        }
        return chosen;
    }

    private synchronized void succeeded(Server server) {
        done.increment();
        if (server.failures >= PATIENCE) {
            LOG.info("event=remote_back url={}", server.uri);
        }
        server.failures = 0;
    }

    private synchronized void failed(Server server, RemoteException e) {
        server.failures++;
        server.reason = e.reason();
        if (server.failures >= PATIENCE) {
            long pause = FIRST_PAUSE_NANOS << Math.min(MOST_DOUBLINGS, server.failures - PATIENCE);
            server.pausedUntil = System.nanoTime() + pause;
            LOG.warn("event=remote_left_alone url={} seconds={} reason=\"{}\"", server.uri, pause / 1e9, e.reason());
        }
    }

    private synchronized double up() {
        return servers.stream().filter(server -> server.failures < PATIENCE).count();
    }

    private synchronized String reason() {
        return servers.stream().map(server -> server.reason).distinct().toList().toString();
    }

    @Override
    public void close() {
        servers.forEach(server -> server.client.close());
    }
}
