package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import org.jspecify.annotations.Nullable;

/** The matches that the jobs have written. Thread-safe; blocks. Borrows the client. */
public final class AlertMatches {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final Pattern CURSOR = Pattern.compile("([0-9]{1,15})\\.([0-9a-f]{32})");

    private final IndexClient client;
    private final String index;

    public AlertMatches(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.index = layout.matchIndex();
    }

    /**
     * Some matches of an alert, the newest observation first.
     *
     * @param next where the next page begins; null if this is the last one
     */
    public record Page(List<AlertMatch> matches, @Nullable String next) {
        public Page {
            matches = List.copyOf(matches);
        }
    }

    /**
     * A page of an alert's matches. What came in between two calls is on neither page.
     *
     * @param cursor from the page before; null for the first
     * @throws IllegalArgumentException if the cursor is none of ours
     */
    public Page page(String alert, int size, @Nullable String cursor) {
        ObjectNode search = JSON.objectNode().put("size", size + 1).put("track_total_hits", false);
        search.putObject("query").putObject("term").put(Field.ALERT, alert);
        ArrayNode sort = search.putArray("sort");
        sort.addObject().put(Field.OBSERVED, "desc");
        sort.addObject().put(Field.ID, "asc");
        if (cursor != null) {
            var parts = CURSOR.matcher(cursor);
            if (!parts.matches()) {
                throw new IllegalArgumentException("the cursor is not one of ours");
            }
            search.putArray("search_after").add(Long.parseLong(parts.group(1))).add(parts.group(2));
        }
        List<AlertMatch> found = matches(client.send("POST", "/" + index + "/_search", search), "/hits/hits");
        if (found.size() <= size) {
            return new Page(found, null);
        }
        AlertMatch last = found.get(size - 1);
        return new Page(found.subList(0, size), last.observedAtMillis() + "." + last.id());
    }

    /** Matches of these ids, as they are now; what is gone is left out. */
    public List<AlertMatch> of(List<String> ids) {
        ObjectNode body = JSON.objectNode();
        ids.forEach(body.putArray("ids")::add);
        return matches(client.send("POST", "/" + index + "/_mget", body), "/docs");
    }

    /** How many an alert has. */
    public long count(String alert) {
        ObjectNode body = JSON.objectNode();
        body.putObject("query").putObject("term").put(Field.ALERT, alert);
        IndexAnswer answer = client.send("POST", "/" + index + "/_count", body);
        return answer.status() == 404
                ? 0
                : client.required(answer).path("count").asLong();
    }

    private List<AlertMatch> matches(IndexAnswer answer, String at) {
        var found = new ArrayList<AlertMatch>();
        if (answer.status() != 404) { // no job has made the index yet
            for (JsonNode document : client.required(answer).at(at)) {
                if (document.path("_source").isObject()) {
                    found.add(AlertMatch.of(document.path("_source")));
                }
            }
        }
        return found;
    }
}
