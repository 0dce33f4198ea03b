package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import lenstream.core.model.Fingerprint;

/** How many documents an installation holds, for status and progress. An index that does not exist holds none. */
public final class IndexCounts {
    private IndexCounts() {}

    /** Images of an embedding space that can be found now. */
    public static long images(IndexClient client, IndexLayout layout, Fingerprint fingerprint) {
        return count(client, layout.imageIndex(fingerprint));
    }

    public static long rejections(IndexClient client, IndexLayout layout) {
        return count(client, layout.rejectionIndex());
    }

    public static long thumbnails(IndexClient client, IndexLayout layout) {
        return count(client, layout.thumbnailIndex());
    }

    /** Rejections by reason, the most frequent first. */
    public static Map<String, Long> rejectionsByReason(IndexClient client, IndexLayout layout) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 0);
        body.putObject("aggs")
                .putObject("reasons")
                .putObject("terms")
                .put("field", Field.REASON)
                .put("size", 100);
        IndexAnswer answer = client.send("POST", "/" + layout.rejectionIndex() + "/_search", body);
        var counts = new LinkedHashMap<String, Long>();
        if (answer.status() != 404) {
            for (JsonNode bucket : client.required(answer).at("/aggregations/reasons/buckets")) {
                counts.put(bucket.path("key").asText(), bucket.path("doc_count").asLong());
            }
        }
        return counts;
    }

    /** Makes everything written so far visible to searches and counts. */
    public static void refresh(IndexClient client, IndexLayout layout, Fingerprint fingerprint) {
        String indices = String.join(
                ",",
                layout.imageIndex(fingerprint),
                layout.rejectionIndex(),
                layout.thumbnailIndex(),
                layout.ledgerIndex());
        client.required(client.send("POST", "/" + indices + "/_refresh?ignore_unavailable=true", null));
    }

    private static long count(IndexClient client, String index) {
        IndexAnswer answer = client.send("GET", "/" + index + "/_count", null);
        return answer.status() == 404
                ? 0
                : client.required(answer).path("count").asLong();
    }
}
