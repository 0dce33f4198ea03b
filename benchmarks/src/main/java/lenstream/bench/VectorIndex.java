package lenstream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import lenstream.core.index.BulkLoad;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;

/** An image index of a real server that holds vectors alone; the id of a document is the vector's position. */
final class VectorIndex {
    private static final Fingerprint SPACE = new Fingerprint("bench-1-00000000");
    private static final Duration LIMIT = Duration.ofHours(1);
    private static final int BULK = 500;

    private final IndexClient client;
    private final IndexLayout layout;
    private final String name;

    VectorIndex(IndexClient client, IndexLayout layout, int dim) {
        this.client = client;
        this.layout = layout;
        this.name = layout.imageIndex(SPACE);
        IndexSetup.prepare(client, layout, SPACE, dim, Duration.ofSeconds(60));
    }

    /** Writes all, two requests at once, and makes them visible. */
    void fill(float[][] vectors) {
        var inFlight = new ArrayDeque<CompletableFuture<IndexAnswer>>();
        for (int from = 0; from < vectors.length; from += BULK) {
            if (inFlight.size() == 2) {
                require(inFlight.remove().join());
            }
            inFlight.add(client.sendAsync(
                    "POST",
                    "/_bulk?filter_path=errors",
                    bulk(vectors, from, Math.min(vectors.length, from + BULK)),
                    "application/x-ndjson"));
        }
        inFlight.forEach(answer -> require(answer.join()));
        refresh();
    }

    byte[] bulk(float[][] vectors, int from, int to) {
        Quantisation quantisation = layout.quantisation();
        var body = new StringBuilder((to - from) * 8 * vectors[0].length);
        for (int i = from; i < to; i++) {
            body.append("{\"index\":{\"_index\":\"")
                    .append(name)
                    .append("\",\"_id\":\"")
                    .append(i);
            body.append("\",\"version\":1,\"version_type\":\"external_gte\"}}\n{\"id\":\"")
                    .append(i);
            body.append("\",\"embedding\":")
                    .append(quantisation.written(vectors[i]))
                    .append("}\n");
        }
        return body.toString().getBytes(UTF_8);
    }

    void refresh() {
        require(client.send("POST", "/" + name + "/_refresh", null));
    }

    /** One segment a shard; what a bulk load changed is put back. */
    void merge() {
        if (!BulkLoad.end(client, layout, SPACE, LIMIT)) {
            throw new IllegalStateException("not merged within " + LIMIT);
        }
    }

    int segments() {
        return require(client.send("GET", "/" + name + "/_stats/segments", null))
                .at("/_all/primaries/segments/count")
                .asInt();
    }

    long bytesOnDisk() {
        require(client.send("POST", "/" + name + "/_flush", null));
        return require(client.send("GET", "/" + name + "/_stats/store", null))
                .at("/_all/primaries/store/size_in_bytes")
                .asLong();
    }

    /** Positions of the first {@code size} of {@code k} neighbours, asked the way the search API asks. */
    int[] search(float[] query, int k, int size) {
        ObjectNode body =
                JsonNodeFactory.instance.objectNode().put("size", size).put("_source", false);
        body.put("track_total_hits", false);
        body.putObject("query")
                .putObject("knn")
                .set(Field.EMBEDDING, layout.quantisation().knn(query, k));
        JsonNode hits =
                require(client.send("POST", "/" + name + "/_search", body)).at("/hits/hits");
        var found = new int[hits.size()];
        for (int i = 0; i < found.length; i++) {
            found[i] = hits.get(i).path("_id").asInt();
        }
        return found;
    }

    void delete() {
        require(client.send("DELETE", "/" + name, null));
    }

    private static JsonNode require(IndexAnswer answer) {
        if (!answer.ok() || answer.json().path("errors").asBoolean()) {
            throw new IllegalStateException(answer.status() + " " + answer.text());
        }
        return answer.json();
    }
}
