package lenstream.connector.opensearch;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One item of a bulk request. Crosses the edge to the sink as a POJO and is kept in the sink's state.
 *
 * @param op what happens to the document
 * @param index name of the index or alias
 * @param id of the document
 * @param version external version, epoch ms of the observation; an item with an older one changes nothing
 * @param json the document, or the body of an update, in UTF-8 without line breaks, never written after construction; null for a deletion
 * @param discoveredAtMillis when the image was discovered, epoch ms, for the freshness metric; 0 where it does not count
 * @param attempts how often this item was refused for a reason that a healthy cluster does not have
 */
public record BulkEntry(
        Op op, String index, String id, long version, byte @Nullable [] json, long discoveredAtMillis, int attempts)
        implements Serializable {
    private static final long serialVersionUID = 1;

    /** What happens to a document. */
    public enum Op {
        INDEX,
        DELETE,
        /** Changes a document that is there, by a script that holds the versions itself: OpenSearch takes none here. */
        UPDATE
    }

    public BulkEntry {
        if ((op != Op.DELETE) == (json == null)) {
            throw new IllegalArgumentException(
                    op + " of " + id + (json == null ? " has no document" : " must not have a document"));
        }
    }

    /** Writes a whole document. */
    public static BulkEntry index(String index, String id, long version, byte[] json, long discoveredAtMillis) {
        return new BulkEntry(Op.INDEX, index, id, version, json, discoveredAtMillis, 0);
    }

    /** Removes a document; one that is not there is success. */
    public static BulkEntry delete(String index, String id, long version) {
        return new BulkEntry(Op.DELETE, index, id, version, null, 0, 0);
    }

    /**
     * Changes a document. Until it is there, and whenever the script fails, the update is tried again a number of times.
     *
     * @param version of the observation that is changed, for the sink's order and for people
     * @param script the body of an update, which must be safe to repeat and to reorder
     */
    public static BulkEntry update(String index, String id, long version, byte[] script) {
        return new BulkEntry(Op.UPDATE, index, id, version, script, 0, 0);
    }

    BulkEntry withAttempts(int count) {
        return new BulkEntry(op, index, id, version, json, discoveredAtMillis, count);
    }

    /** The line before the document. Index names and ids of ours need no escaping. */
    byte[] action() {
        if (op == Op.UPDATE) {
            return ("{\"update\":{\"_index\":\"" + index + "\",\"_id\":\"" + id + "\",\"retry_on_conflict\":5}}\n")
                    .getBytes(StandardCharsets.US_ASCII);
        }
        return ("{\"" + (op == Op.INDEX ? "index" : "delete") + "\":{\"_index\":\"" + index + "\",\"_id\":\"" + id
                        + "\",\"version\":" + version + ",\"version_type\":\"external_gte\"}}\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Bytes that this item takes in a bulk request, at most. */
    long bulkBytes() {
        return 128L + index.length() + id.length() + (json == null ? 0 : json.length + 1);
    }
}
