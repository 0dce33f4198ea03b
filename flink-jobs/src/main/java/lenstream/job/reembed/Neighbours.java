package lenstream.job.reembed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Quantisation;

/** Nearest images in one index, by its graph or exactly. Thread-safe; blocking; does not own its client. */
record Neighbours(IndexClient client, String index, Quantisation kept) {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    Neighbours(IndexClient client, String index) {
        this(client, index, IndexSetup.quantisation(client, index));
    }

    /** An image that was found. */
    record Near(String id, String url, double cosine) {}

    /** What a search finds. */
    List<Near> byGraph(float[] vector, int k) {
        ObjectNode body = body(k);
        // searches rank more than they show, too
        body.putObject("query").putObject("knn").set(Field.EMBEDDING, kept.knn(vector, Math.max(k, 100)));
        return hits(body, kept::cosine);
    }

    /** What a search would find if it looked at every image. */
    List<Near> exactly(float[] vector, int k) {
        ObjectNode body = body(k);
        body.set("query", kept.exact(vector));
        return hits(body, kept::exactCosine);
    }

    /** Random images with their vectors, by id. */
    Map<String, float[]> sample(int count, long seed) {
        ObjectNode body = JSON.objectNode().put("size", Math.min(count, 10_000));
        body.putArray("_source").add(Field.EMBEDDING);
        body.putObject("query")
                .putObject("function_score")
                .putObject("random_score")
                .put("seed", seed)
                .put("field", "_seq_no");
        return vectors(search(body));
    }

    /** The vectors of images, by id; those that are not there are left out. */
    Map<String, float[]> vectors(List<String> ids) {
        ObjectNode body = JSON.objectNode().put("size", Math.max(1, ids.size()));
        body.putArray("_source").add(Field.EMBEDDING);
        ArrayNode values = body.putObject("query").putObject("ids").putArray("values");
        ids.forEach(values::add);
        return vectors(search(body));
    }

    private Map<String, float[]> vectors(JsonNode answer) {
        var found = new LinkedHashMap<String, float[]>();
        for (JsonNode hit : answer.at("/hits/hits")) {
            found.put(hit.path("_id").asText(), kept.read(hit.path("_source").path(Field.EMBEDDING)));
        }
        return found;
    }

    private static ObjectNode body(int k) {
        ObjectNode body = JSON.objectNode().put("size", k).put("track_total_hits", false);
        body.putArray("_source").add(Field.URL);
        return body;
    }

    private List<Near> hits(ObjectNode body, DoubleUnaryOperator cosine) {
        var found = new ArrayList<Near>();
        for (JsonNode hit : search(body).at("/hits/hits")) {
            found.add(new Near(
                    hit.path("_id").asText(),
                    hit.path("_source").path(Field.URL).asText(),
                    cosine.applyAsDouble(hit.path("_score").asDouble())));
        }
        return found;
    }

    private JsonNode search(ObjectNode body) {
        return client.required(client.send("POST", "/" + index + "/_search", body));
    }
}
