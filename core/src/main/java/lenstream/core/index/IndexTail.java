package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the documents of an index with one shard in the order in which they were written, and those that are new again and
 * again, without missing one.
 *
 * <p>The place of a document is its {@code _seq_no}: the one primary shard gives the numbers out in the order in which it
 * takes the writes, whatever the writers' clocks say. Two writes may become visible in another order than they were
 * numbered, so a reader first asks for the shard's global checkpoint (every number up to it has been carried out and
 * flushed on every copy in sync, and is never given out again), then refreshes, and reads up to the checkpoint only:
 * nothing can appear later below a position that was read. Numbers that deletions, replaced documents or failed writes took
 * are gaps and are passed over. An index that was deleted or restored has another identity, and a reader begins it at its
 * first document.
 *
 * <p>Thread-safe. Blocking. Borrows the client.
 */
public final class IndexTail {
    private static final long NOTHING = -1;

    private final IndexClient client;
    private final String index;

    public IndexTail(IndexClient client, String index) {
        this.client = client;
        this.index = index;
    }

    /**
     * Where a reader stands. Immutable.
     *
     * @param identity of the index; empty before the first one was seen
     * @param number of the last document that was read
     */
    public record Position(String identity, long number) {
        /** Before everything. */
        public static final Position START = new Position("", NOTHING);
    }

    /**
     * Some documents in order, as hits with {@code _source} and {@code _seq_no}. Immutable.
     *
     * @param next where to go on; everything before it was read
     * @param more whether there was more to read at once
     */
    public record Page(List<JsonNode> hits, Position next, boolean more) {
        public Page {
            hits = List.copyOf(hits);
        }
    }

    /**
     * The documents after a position, oldest first. An index that does not exist holds none.
     *
     * @param limit of documents at once, 1 to 10,000
     */
    public Page read(Position after, int limit) {
        IndexAnswer stats = client.send("GET", "/" + index + "/_stats/docs?level=shards", null);
        if (stats.status() == 404) {
            return new Page(List.of(), after, false);
        }
        JsonNode found = client.required(stats).path("indices").path(index);
        String identity = found.path("uuid").asText();
        long from = after.identity().equals(identity) ? after.number() : NOTHING;
        long upTo = checkpoint(found);
        if (upTo <= from) {
            return new Page(List.of(), new Position(identity, from), false);
        }
        client.required(client.send("POST", "/" + index + "/_refresh", null));
        ObjectNode search =
                JsonNodeFactory.instance.objectNode().put("size", limit).put("seq_no_primary_term", true);
        search.putArray("sort").addObject().put("_seq_no", "asc");
        search.putObject("query")
                .putObject("range")
                .putObject("_seq_no")
                .put("gt", from)
                .put("lte", upTo);
        var hits = new ArrayList<JsonNode>();
        client.required(client.send("POST", "/" + index + "/_search?preference=_primary", search))
                .at("/hits/hits")
                .forEach(hits::add);
        boolean more = hits.size() == limit;
        long last = more ? hits.getLast().path("_seq_no").asLong() : upTo;
        return new Page(hits, new Position(identity, last), more);
    }

    /** The greatest number below which none is missing; before the primary has started, none. */
    private static long checkpoint(JsonNode index) {
        for (JsonNode copy : index.at("/shards/0")) {
            if (copy.at("/routing/primary").asBoolean()) {
                return copy.at("/seq_no/global_checkpoint").asLong(NOTHING);
            }
        }
        return NOTHING;
    }
}
