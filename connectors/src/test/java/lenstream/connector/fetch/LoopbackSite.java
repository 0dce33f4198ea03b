package lenstream.connector.fetch;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A web site on 127.0.0.1 whose answers a test sets; remembers every request. Thread-safe. */
public final class LoopbackSite implements AutoCloseable {
    static {
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    /** A request as the server saw it; times in nanoseconds. */
    public record Request(String path, Map<String, List<String>> headers, long startedAt) {
        public boolean isConditional() {
            return headers.containsKey("If-none-match") || headers.containsKey("If-modified-since");
        }
    }

    /** Answers one request. */
    public interface Route {
        void answer(HttpExchange exchange) throws IOException;
    }

    private final Map<String, Route> routes = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    private LoopbackSite(HttpServer server) {
        this.server = server;
    }

    public static LoopbackSite open() throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
        var site = new LoopbackSite(server);
        server.setExecutor(site.threads);
        server.createContext("/", site::answer);
        server.start();
        return site;
    }

    public String host() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    public String url(String path) {
        return "http://" + host() + path;
    }

    public LoopbackSite route(String path, Route route) {
        routes.put(path, route);
        return this;
    }

    /** A fixed body with an ETag of its own, answering 304 to those who know it. */
    public LoopbackSite body(String path, String contentType, byte[] body) {
        String etag = "\"" + java.util.Arrays.hashCode(body) + "\"";
        return route(path, exchange -> {
            exchange.getResponseHeaders().set("Content-Type", contentType);
            exchange.getResponseHeaders().set("ETag", etag);
            if (etag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
                exchange.sendResponseHeaders(304, -1);
            } else {
                exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            }
        });
    }

    public LoopbackSite text(String path, String contentType, String body) {
        return body(path, contentType, body.getBytes(StandardCharsets.UTF_8));
    }

    public LoopbackSite image(String path) {
        return body(path, "image/jpeg", ("\u00ff\u00d8\u00ff image at " + path).getBytes(StandardCharsets.ISO_8859_1));
    }

    public LoopbackSite status(String path, int status) {
        return route(path, exchange -> exchange.sendResponseHeaders(status, -1));
    }

    /** Holds requests for a path until the latch opens. */
    public LoopbackSite held(String path, CountDownLatch arrived, CountDownLatch go) {
        Route inner = Objects.requireNonNull(routes.get(path), path);
        return route(path, exchange -> {
            arrived.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            inner.answer(exchange);
        });
    }

    public List<Request> requests() {
        return List.copyOf(requests);
    }

    public List<Request> requests(String path) {
        return requests.stream().filter(request -> request.path().equals(path)).toList();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().toString();
        requests.add(new Request(path, Map.copyOf(exchange.getRequestHeaders()), System.nanoTime()));
        try (exchange) {
            Route route = routes.get(path);
            if (route == null) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                route.answer(exchange);
            }
        }
    }
}
