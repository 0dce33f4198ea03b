package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Every document of an index by rising id, as it was at one instant: a point in time, read a page at a time. Confined to
 * one thread; {@link #close} gives the point in time back.
 */
public final class IndexScan implements Iterator<IndexScan.Row>, AutoCloseable {
    private static final String KEEP = "5m";

    private final IndexClient client;
    private final ObjectNode body = JsonNodeFactory.instance.objectNode();
    private final ArrayDeque<Row> page = new ArrayDeque<>();
    private final int pageRows;
    private String pit;
    private boolean last;

    /** A document with its external version. */
    public record Row(String id, long version, JsonNode source) {}

    /**
     * @param fields of the source; empty for all
     * @param query null for all documents
     * @param pageRows documents a request
     */
    public IndexScan(IndexClient client, String index, List<String> fields, @Nullable JsonNode query, int pageRows) {
        this.client = client;
        this.pageRows = pageRows;
        IndexAnswer opened = client.send("POST", "/" + index + "/_search/point_in_time?keep_alive=" + KEEP, null);
        if (!opened.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " does not let index " + index
                    + " be read as a whole (" + opened.status() + "): " + opened.text());
        }
        this.pit = opened.json().path("pit_id").asText();
        body.put("size", pageRows).put("version", true).put("track_total_hits", false);
        body.putArray("sort").addObject().put(Field.ID, "asc");
        if (!fields.isEmpty()) {
            fields.forEach(body.putArray("_source")::add);
        }
        if (query != null) {
            body.set("query", query);
        }
    }

    @Override
    public boolean hasNext() {
        if (page.isEmpty() && !last) {
            read();
        }
        return !page.isEmpty();
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return page.remove();
    }

    private void read() {
        body.putObject("pit").put("id", pit).put("keep_alive", KEEP);
        JsonNode found = client.required(client.send("POST", "/_search", body));
        pit = found.path("pit_id").asText(pit);
        JsonNode hits = found.at("/hits/hits");
        for (JsonNode hit : hits) {
            page.add(new Row(hit.path("_id").asText(), hit.path("_version").asLong(), hit.path("_source")));
        }
        last = hits.size() < pageRows;
        if (!last) {
            body.set("search_after", hits.get(hits.size() - 1).path("sort"));
        }
    }

    @Override
    public void close() {
        ObjectNode ids = JsonNodeFactory.instance.objectNode();
        ids.putArray("pit_id").add(pit);
        client.send("DELETE", "/_search/point_in_time", ids);
    }
}
