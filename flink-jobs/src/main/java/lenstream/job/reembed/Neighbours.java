package lenstream.job.reembed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;

/** Nearest images in one index, by its graph or exactly. Thread-safe; blocking; does not own its client. */
record Neighbours(IndexClient client, String index) {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** An image that was found. */
    record Near(String id, String url, double score) {}

    /** What a search finds. */
    List<Near> byGraph(float[] vector, int k) {
        ObjectNode body = body(k);
        ObjectNode knn = body.putObject("query").putObject("knn").putObject(Field.EMBEDDING);
        put(knn.putArray("vector"), vector);
        knn.put("k", Math.max(k, 100)); // searches rank more than they show, too
        return hits(body);
    }

    /** What a search would find if it looked at every image. */
    List<Near> exactly(float[] vector, int k) {
        ObjectNode body = body(k);
        ObjectNode score = body.putObject("query").putObject("script_score");
        score.putObject("query").putObject("match_all");
        ObjectNode script = score.putObject("script").put("lang", "knn").put("source", "knn_score");
        ObjectNode parameters = script.putObject("params").put("field", Field.EMBEDDING);
        put(parameters.putArray("query_value"), vector);
        parameters.put("space_type", "innerproduct");
        return hits(body);
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

    private static Map<String, float[]> vectors(JsonNode answer) {
        var found = new LinkedHashMap<String, float[]>();
        for (JsonNode hit : answer.at("/hits/hits")) {
            JsonNode values = hit.path("_source").path(Field.EMBEDDING);
            var vector = new float[values.size()];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = values.get(i).floatValue();
            }
            found.put(hit.path("_id").asText(), vector);
        }
        return found;
    }

    private static ObjectNode body(int k) {
        ObjectNode body = JSON.objectNode().put("size", k).put("track_total_hits", false);
        body.putArray("_source").add(Field.URL);
        return body;
    }

    private static void put(ArrayNode array, float[] vector) {
        for (float value : vector) {
            array.add(value);
        }
    }

    private List<Near> hits(ObjectNode body) {
        var found = new ArrayList<Near>();
        for (JsonNode hit : search(body).at("/hits/hits")) {
            found.add(new Near(
                    hit.path("_id").asText(),
                    hit.path("_source").path(Field.URL).asText(),
                    hit.path("_score").asDouble()));
        }
        return found;
    }

    private JsonNode search(ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", body);
        if (!answer.ok()) {
            throw new IndexException(
                    "OpenSearch at " + client.url() + " answers " + answer.status() + ": " + answer.text());
        }
        return answer.json();
    }
}
