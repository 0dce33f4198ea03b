package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import lenstream.core.alert.AlertCounts;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.ledger.Freshness;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;

/**
 * What the index says of the installation: sizes, sites, images a minute, rejections with examples. Each part is asked
 * for by itself and left out if the index does not answer it, with the reason in {@code problems}: a status that fails
 * when something is wrong is of no use. Thread-safe; does not own its client.
 */
final class InstallationStatus {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final int MOST_SITES = 20;
    private static final int MOST_REASONS = 30;
    private static final int EXAMPLES = 3;
    private static final int MINUTES = 60;

    private final IndexClient client;
    private final IndexLayout layout;

    InstallationStatus(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
    }

    private interface Part {
        void addTo(ObjectNode status);
    }

    /**
     * Adds what is known of an embedding space: {@code index}, {@code sites}, {@code throughput}, {@code freshness},
     * {@code rejections} and {@code alerts}.
     */
    void addTo(ObjectNode status, Fingerprint fingerprint, Instant now) {
        String images = layout.imageIndex(fingerprint);
        attempt(status, all -> index(all, images));
        attempt(status, all -> sites(all, images));
        attempt(status, all -> throughput(all, images, now));
        attempt(status, this::freshness);
        attempt(status, this::rejections);
        attempt(
                status,
                all -> all.set(
                        "alerts",
                        AlertCounts.read(client, layout, fingerprint.value()).json()));
    }

    private static void attempt(ObjectNode status, Part part) {
        try {
            part.addTo(status);
        } catch (IndexException e) {
            status.withArray("problems").add(String.valueOf(e.getMessage()));
        }
    }

    private void index(ObjectNode status, String name) {
        JsonNode stats = ask("GET", "/" + name + "," + layout.thumbnailIndex() + "/_stats/docs,store", null);
        JsonNode health = ask("GET", "/_cluster/health/" + name, null);
        JsonNode images = stats.at("/indices/" + name + "/primaries");
        JsonNode thumbnails = stats.at("/indices/" + layout.thumbnailIndex() + "/primaries");
        status.putObject("index")
                .put("name", name)
                .put("engine", layout.engine())
                .put("health", health.path("status").asText("unknown"))
                .put("images", images.at("/docs/count").asLong())
                .put("bytes", images.at("/store/size_in_bytes").asLong())
                .put("thumbnail_bytes", thumbnails.at("/store/size_in_bytes").asLong())
                .put("shards", health.path("active_shards").asInt());
    }

    private void sites(ObjectNode status, String name) {
        ObjectNode body = JSON.objectNode().put("size", 0).put("track_total_hits", false);
        ObjectNode sites = body.putObject("aggs").putObject("sites");
        sites.putObject("terms").put("field", Field.SITE).put("size", MOST_SITES);
        sites.putObject("aggs").putObject("newest").putObject("max").put("field", Field.INDEXED);
        ArrayNode list = status.putArray("sites");
        for (JsonNode bucket : ask("POST", "/" + name + "/_search", body).at("/aggregations/sites/buckets")) {
            list.addObject()
                    .put("site", bucket.path("key").asText())
                    .put("images", bucket.path("doc_count").asLong())
                    .put("newest_indexed", bucket.at("/newest/value_as_string").asText());
        }
    }

    /** Images whose newest document was written in each of the last minutes, the running one last. */
    private void throughput(ObjectNode status, String name, Instant now) {
        Instant first = now.truncatedTo(ChronoUnit.MINUTES).minus(MINUTES - 1, ChronoUnit.MINUTES);
        ObjectNode body = JSON.objectNode().put("size", 0).put("track_total_hits", false);
        body.putObject("query").putObject("range").putObject(Field.INDEXED).put("gte", first.toString());
        ObjectNode histogram = body.putObject("aggs").putObject("minutes").putObject("date_histogram");
        histogram.put("field", Field.INDEXED).put("fixed_interval", "1m").put("min_doc_count", 1);
        var counts = new long[MINUTES];
        for (JsonNode bucket : ask("POST", "/" + name + "/_search", body).at("/aggregations/minutes/buckets")) {
            long minute = (bucket.path("key").asLong() - first.toEpochMilli()) / 60_000;
            if (minute >= 0 && minute < MINUTES) {
                counts[(int) minute] += bucket.path("doc_count").asLong();
            }
        }
        ObjectNode throughput = status.putObject("throughput").put("from", first.toString());
        ArrayNode minutes = throughput.putArray("images_per_minute");
        for (long count : counts) {
            minutes.add(count);
        }
    }

    /** Of the last day in which anything was indexed. */
    private void freshness(ObjectNode status) {
        ArrayNode list = status.putArray("freshness");
        for (Freshness row : Freshness.read(client, layout)) {
            list.addObject()
                    .put("source", row.source())
                    .put("stage", row.milestone().label())
                    .put("meaning", row.milestone().meaning())
                    .put("images", row.images())
                    .put("p50_seconds", row.p50Millis() / 1000)
                    .put("p90_seconds", row.p90Millis() / 1000)
                    .put("p99_seconds", row.p99Millis() / 1000);
        }
    }

    private void rejections(ObjectNode status) {
        ObjectNode body = JSON.objectNode().put("size", 0).put("track_total_hits", true);
        ObjectNode reasons = body.putObject("aggs").putObject("reasons");
        reasons.putObject("terms").put("field", Field.REASON).put("size", MOST_REASONS);
        ObjectNode top = reasons.putObject("aggs").putObject("examples").putObject("top_hits");
        top.put("size", EXAMPLES);
        top.putArray("sort").addObject().put(Field.OBSERVED, "desc");
        top.putArray("_source")
                .add(Field.URL)
                .add(Field.DETAIL)
                .add(Field.STAGE)
                .add(Field.OBSERVED);
        JsonNode answer = ask("POST", "/" + layout.rejectionIndex() + "/_search", body);
        ObjectNode rejections = status.putObject("rejections")
                .put("images", answer.at("/hits/total/value").asLong());
        ArrayNode list = rejections.putArray("reasons");
        for (JsonNode bucket : answer.at("/aggregations/reasons/buckets")) {
            ObjectNode reason = list.addObject()
                    .put("reason", bucket.path("key").asText())
                    .put("images", bucket.path("doc_count").asLong());
            ArrayNode examples = reason.putArray("examples");
            bucket.at("/examples/hits/hits").forEach(hit -> examples.add(hit.path("_source")));
        }
    }

    /** A missing index is one that holds nothing yet. */
    private JsonNode ask(String method, String path, @Nullable JsonNode body) {
        IndexAnswer answer = client.send(method, path, body);
        if (answer.status() == 404) {
            return JSON.missingNode();
        }
        if (!answer.ok()) {
            throw new IndexException("the index answers " + answer.status() + " to " + path + ": " + answer.text());
        }
        return answer.json();
    }
}
