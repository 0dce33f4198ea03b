package lenstream.search.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One JSON object a request, to the logger {@code lenstream.access}. Never headers or bodies, so no tokens and no pictures;
 * what was searched for only if asked to. Thread-safe.
 */
public final class AccessLog {
    private static final Logger LOG = LoggerFactory.getLogger("lenstream.access");

    private final Content content;

    /** What it says. */
    public enum Content {
        /** Nothing: there is no access log. */
        NONE,
        /** Method, path without its query, status, times, who. */
        REQUESTS,
        /** The query string too: people search for private things, so this is not the default. */
        QUERIES
    }

    AccessLog(Content content) {
        this.content = content;
    }

    void write(Exchange exchange, Trace trace) {
        if (content == Content.NONE || !LOG.isInfoEnabled()) {
            return;
        }
        ObjectNode line = JsonNodeFactory.instance
                .objectNode()
                .put("time", Instant.now().toString())
                .put("method", exchange.method())
                .put("path", exchange.path())
                .put("status", exchange.status())
                .put("duration_ms", exchange.elapsedMillis())
                .put("bytes_out", exchange.sent())
                .put("client", exchange.address())
                .put("caller", exchange.caller())
                .put("type", exchange.type())
                .put("trace_id", trace.traceId())
                .put("span_id", trace.spanId());
        if (content == Content.QUERIES) {
            line.put("query", exchange.queryString());
        }
        LOG.info("{}", line); // JSON escapes what could begin a line of its own
    }
}
