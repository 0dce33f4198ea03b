package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads many documents by id, as they are now, refreshed or not. Stateless. */
public final class MultiGet {
    private MultiGet() {}

    /** A document with its external version. */
    public record Found(JsonNode source, long version) {}

    /**
     * The documents that exist, by id.
     *
     * @param fields of the source; empty for all but the vector
     * @throws IndexUnavailableException if the index does not answer now
     */
    public static Map<String, Found> of(IndexClient client, String index, Collection<String> ids, List<String> fields) {
        if (ids.isEmpty()) {
            return Map.of();
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ArrayNode wanted = body.putArray("ids");
        ids.forEach(wanted::add);
        String source = fields.isEmpty()
                ? "_source_excludes=" + Field.EMBEDDING
                : "_source_includes=" + String.join(",", fields);
        IndexAnswer answer = client.send("POST", "/" + index + "/_mget?" + source, body);
        if (answer.status() == 429 || answer.status() >= 500) {
            throw new IndexUnavailableException(
                    "OpenSearch at " + client.url() + " does not answer now (" + answer.status() + "); try again",
                    new IllegalStateException(answer.text()));
        }
        var found = new HashMap<String, Found>();
        for (JsonNode doc : client.required(answer).path("docs")) {
            if (doc.path("found").asBoolean()) {
                found.put(
                        doc.path("_id").asText(),
                        new Found(doc.path("_source"), doc.path("_version").asLong()));
            }
        }
        return found;
    }
}
