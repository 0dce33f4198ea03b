package lenstream.search;

import io.helidon.http.HeaderNames;
import java.util.List;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.ledger.Explanation;
import lenstream.core.ledger.Ledger;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;

/** {@code GET /v1/explain?url=…}: why an image is, or is not, in the index. Thread-safe. */
final class ExplainRoutes implements Routes {
    private final Ledger ledger;

    ExplainRoutes(IndexClient client, IndexLayout layout) {
        this.ledger = new Ledger(client, layout);
    }

    @Override
    public void register(RouteTable table) {
        table.get("/v1/explain", "explain", this::explain).needsIndex();
    }

    private void explain(Exchange exchange) {
        List<String> urls = exchange.parameters().getOrDefault("url", List.of());
        if (urls.size() != 1 || urls.getFirst().isBlank()) {
            throw ProblemException.badRequest("Name the image's address: /v1/explain?url=https://example.org/a.jpg");
        }
        Explanation explanation;
        try {
            explanation = ledger.explain(urls.getFirst());
        } catch (IllegalArgumentException e) {
            throw ProblemException.badRequest(String.valueOf(e.getMessage()));
        }
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        exchange.sendJson(explanation.json());
    }
}
