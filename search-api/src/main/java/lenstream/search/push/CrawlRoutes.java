package lenstream.search.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import lenstream.core.web.CanonicalUrl;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Scope;
import lenstream.search.http.Utf8;

/** {@code POST /v1/crawl}: pages, feeds and images that a running crawl visits next. Thread-safe. */
public final class CrawlRoutes implements Routes {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PushedUrls pushes;

    public CrawlRoutes(PushedUrls pushes) {
        this.pushes = pushes;
    }

    @Override
    public void register(RouteTable table) {
        table.post("/v1/crawl", "crawl", this::crawl).scope(Scope.WRITE);
    }

    private void crawl(Exchange exchange) {
        JsonNode urls = urls(exchange.body());
        var accepted = new ArrayList<CanonicalUrl>();
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        var refused = JsonNodeFactory.instance.arrayNode();
        for (JsonNode url : urls) {
            CanonicalUrl.of(url.asText())
                    .ifPresentOrElse(
                            accepted::add,
                            () -> refused.addObject()
                                    .put("url", url.asText())
                                    .put("reason", "is no http or https URL that can be fetched"));
        }
        if (accepted.isEmpty()) {
            throw ProblemException.impossible(
                    "None of these is a URL that can be fetched: write for example https://example.org/a.html");
        }
        pushes.push(accepted);
        answer.put("accepted", accepted.size());
        answer.set("refused", refused);
        exchange.sendJson(202, "application/json", answer);
    }

    private static JsonNode urls(byte[] body) {
        JsonNode json;
        try {
            json = JSON.readTree(Utf8.checked(body));
        } catch (IOException e) {
            throw ProblemException.badRequest(
                    "The body must be JSON like {\"urls\":[\"https://example.org/a.html\"]}.");
        }
        JsonNode urls = json.path("urls");
        if (!urls.isArray() || urls.isEmpty() || json.size() != 1) {
            throw ProblemException.badRequest(
                    "The body must be JSON like {\"urls\":[\"https://example.org/a.html\"]}.");
        }
        if (urls.size() > PushedUrls.MOST) {
            throw ProblemException.impossible(
                    "At most " + PushedUrls.MOST + " URLs a request; send the rest in another.");
        }
        return urls;
    }
}
