package lenstream.search;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import lenstream.search.http.Exchange;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;

/** What an operator's tools ask: health, metrics, the description of the API. Thread-safe. */
final class OperationRoutes implements Routes {
    private final ActiveSpace spaces;
    private final IndexWatch watch;
    private final Metrics metrics;
    private final byte[] openApi = resource("/openapi.json");

    OperationRoutes(ActiveSpace spaces, IndexWatch watch, Metrics metrics) {
        this.spaces = spaces;
        this.watch = watch;
        this.metrics = metrics;
        metrics.info(
                "lenstream_model_info",
                () -> "fingerprint=\"" + spaces.current().fingerprint().value() + "\"");
        metrics.gauge("lenstream_search_ready", "", () -> watch.state() instanceof IndexWatch.Ready ? 1 : 0);
        metrics.gauge("lenstream_search_documents", "", watch::documents);
    }

    @Override
    public void register(RouteTable table) {
        table.get("/health/live", "health", exchange -> exchange.sendJson(Map.of("status", "live")))
                .open()
                .light();
        table.get("/health/ready", "health", this::ready).open().light();
        table.get("/metrics", "metrics", this::metrics).open().light();
        table.get("/openapi.json", "openapi", exchange -> exchange.send(200, "application/json", openApi))
                .open()
                .light();
    }

    private void ready(Exchange exchange) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        switch (watch.state()) {
            case IndexWatch.Ready ready -> {
                answer.put("status", "ready")
                        .put("fingerprint", spaces.current().fingerprint().value())
                        .put("documents", ready.documents());
                exchange.sendJson(answer);
            }
            case IndexWatch.Waiting waiting -> throw ProblemException.unavailable(waiting.reason());
        }
    }

    private void metrics(Exchange exchange) {
        exchange.send(
                200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] resource(String name) {
        try (InputStream in = OperationRoutes.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the file " + name + " is not on the class path");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
