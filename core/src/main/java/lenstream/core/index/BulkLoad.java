package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state of an image index that is filled for the first time and searched only afterwards: there are no replicas, and
 * as long as it lasts no graph is built and hardly anything is merged, so that the end merges all segments at once and builds
 * one graph over each vector once. Writes stay as durable as ever.
 *
 * <p>Engine {@code faiss} builds no graph when it is told so ({@code index.knn.advanced.approximate_threshold}), and nothing is
 * refreshed. Lucene obeys that since k-NN pull request 3451 alone; before, it builds one with each segment of more than some
 * 650 vectors (those where a search of the graph for 100 neighbours visits fewer than all, by its own estimate {@code
 * 100 ln n}). So there the index is refreshed so often that segments stay smaller, and up to 1,000 of them wait for the end.
 * Images can be found meanwhile, by looking at each.
 *
 * <p>What was before is kept in the index's own mapping ({@code _meta.bulk_load}), written before anything is changed: the
 * next {@link IndexSetup#prepare} after a crash finds it there and puts it back.
 */
public final class BulkLoad {
    private static final Logger LOG = LoggerFactory.getLogger(BulkLoad.class);
    private static final String MARK = "bulk_load";
    private static final long POLL_MILLIS = 500;
    private static final int MOST_SEGMENTS = 1_000;

    /** 60,000 vectors at 1,200 a second became 135 segments; twice as many a second stay small enough on two threads. */
    private static final String SMALL_SEGMENTS = "300ms";

    /** What changes; each is put back to what it was, or to its default where it had none. */
    private static final List<String> SETTINGS = List.of(
            "index.refresh_interval",
            "index.number_of_replicas",
            "index.merge.policy.segments_per_tier",
            "index.merge.policy.max_merge_at_once",
            "index.knn.advanced.approximate_threshold");

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private BulkLoad() {}

    /** Whether the index is being filled, or was when something crashed. */
    public static boolean isUnderWay(IndexClient client, IndexLayout layout, Fingerprint fingerprint) {
        String index = layout.imageIndex(fingerprint);
        IndexAnswer answer = client.send("GET", "/" + index + "/_mapping", null);
        return answer.ok() && answer.json().path(index).at("/mappings/_meta").has(MARK);
    }

    /** Changes the index to be filled; doing so twice is harmless. */
    public static void begin(IndexClient client, IndexLayout layout, Fingerprint fingerprint) {
        String index = layout.imageIndex(fingerprint);
        ObjectNode meta = meta(client, index);
        if (!meta.has(MARK)) {
            JsonNode now = require(client, "GET", "/" + index + "/_settings?flat_settings=true", null)
                    .path(index)
                    .path("settings");
            ObjectNode before = meta.putObject(MARK);
            SETTINGS.forEach(key -> before.set(key, now.has(key) ? now.get(key) : JSON.nullNode()));
            require(client, "PUT", "/" + index + "/_mapping", withMeta(meta));
        }
        ObjectNode filling = JSON.objectNode()
                .put("index.refresh_interval", layout.engine().equals("faiss") ? "-1" : SMALL_SEGMENTS)
                .put("index.number_of_replicas", 0)
                .put("index.merge.policy.segments_per_tier", MOST_SEGMENTS)
                .put("index.merge.policy.max_merge_at_once", MOST_SEGMENTS)
                .put("index.knn.advanced.approximate_threshold", -1);
        require(client, "PUT", "/" + index + "/_settings", filling);
        LOG.info("event=bulk_load_begun index={}", index);
    }

    /**
     * Puts the settings back, merges the segments with their graphs into one a shard, and makes everything visible.
     * Blocks until that is done; where it takes longer than the limit, the server goes on by itself.
     *
     * @return whether the merge was done within the limit
     */
    public static boolean end(IndexClient client, IndexLayout layout, Fingerprint fingerprint, Duration limit) {
        String index = layout.imageIndex(fingerprint);
        ObjectNode meta = meta(client, index);
        restore(client, index, meta);
        JsonNode started = require(
                client, "POST", "/" + index + "/_forcemerge?max_num_segments=1&wait_for_completion=false", null);
        boolean merged = await(client, started.path("task").asText(), limit);
        require(client, "POST", "/" + index + "/_refresh", null);
        LOG.info("event=bulk_load_ended index={} merged={}", index, merged);
        return merged;
    }

    /** Puts back what a bulk load left that did not come to its end; the segments are merged in the background. */
    static void recover(IndexClient client, String index) {
        ObjectNode meta = meta(client, index);
        if (meta.has(MARK)) {
            LOG.warn("event=bulk_load_interrupted index={}: its settings are put back", index);
            restore(client, index, meta);
        }
    }

    private static void restore(IndexClient client, String index, ObjectNode meta) {
        JsonNode before = meta.path(MARK);
        if (before.isMissingNode()) {
            return;
        }
        require(client, "PUT", "/" + index + "/_settings", (ObjectNode) before);
        meta.remove(MARK); // last: a crash before this line repeats it
        require(client, "PUT", "/" + index + "/_mapping", withMeta(meta));
    }

    private static boolean await(IndexClient client, String task, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() < deadline) {
            IndexAnswer answer = client.send("GET", "/_tasks/" + task, null);
            if (answer.status() == 404
                    || answer.ok() && answer.json().path("completed").asBoolean()) {
                return true;
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return false;
    }

    /** What the mapping says about the index besides its fields; all of it, since a write replaces all of it. */
    private static ObjectNode meta(IndexClient client, String index) {
        JsonNode mapping =
                require(client, "GET", "/" + index + "/_mapping", null).path(index);
        JsonNode meta = mapping.at("/mappings/_meta");
        return meta.isObject() ? meta.deepCopy() : JSON.objectNode();
    }

    private static ObjectNode withMeta(ObjectNode meta) {
        ObjectNode body = JSON.objectNode();
        body.set("_meta", meta);
        return body;
    }

    private static JsonNode require(IndexClient client, String method, String path, @Nullable ObjectNode body) {
        IndexAnswer answer = client.send(method, path, body);
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " answers " + answer.status() + " to " + method
                    + " " + path + ": " + answer.text());
        }
        return answer.json();
    }
}
