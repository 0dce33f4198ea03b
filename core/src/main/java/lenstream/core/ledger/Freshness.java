package lenstream.core.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;

/**
 * How fast images become searchable, by source and milestone. Each writer of the job keeps one document an hour in the
 * ledger's index, so the figures outlive the job.
 *
 * @param source the kind of resource that named the images: {@code sitemap}, {@code feed}, {@code page}, …
 * @param images that were measured
 * @param p50Millis median
 */
public record Freshness(
        String source, Milestone milestone, long images, double p50Millis, double p90Millis, double p99Millis) {

    /** What a site published longer ago than this is no news: news sitemaps list the articles of two days. */
    public static final Duration NEWS = Duration.ofDays(2);

    /** How far back {@link #read} looks from the newest figures. */
    public static final Duration SPAN = Duration.ofHours(24);

    private static final String KIND = "freshness";
    private static final int MOST_DOCUMENTS = 5_000;

    /** Of the last day in which anything was indexed, by source and milestone; empty if nothing ever was. */
    public static List<Freshness> read(IndexClient client, IndexLayout layout) {
        ObjectNode newest = query().put("size", 1).put("_source", false);
        newest.putArray("sort").addObject().put(Field.AT, "desc");
        JsonNode last = search(client, layout, newest);
        if (last.isEmpty()) {
            return List.of();
        }
        ObjectNode body = query().put("size", MOST_DOCUMENTS);
        body.withArray("/query/bool/filter")
                .addObject()
                .putObject("range")
                .putObject(Field.AT)
                .put("gte", last.get(0).at("/sort/0").asLong() - SPAN.toMillis());
        var sum = new FreshnessRecord();
        for (JsonNode hit : search(client, layout, body)) {
            sum.add(hit.path("_source").path(Field.FRESHNESS));
        }
        var rows = new ArrayList<Freshness>();
        sum.forEach((source, milestone, histogram) -> rows.add(new Freshness(
                source,
                milestone,
                histogram.count(),
                histogram.percentileMillis(0.5),
                histogram.percentileMillis(0.9),
                histogram.percentileMillis(0.99))));
        return rows;
    }

    /** The hour into which a moment falls; a writer has one document for each. */
    public static Instant windowOf(Instant moment) {
        return moment.truncatedTo(ChronoUnit.HOURS);
    }

    /** The document of one writer's hour. */
    public static ObjectNode document(Instant window, FreshnessRecord record) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(Field.OUTCOME, KIND);
        json.put(Field.AT, window.toString());
        json.set(Field.FRESHNESS, record.json());
        return json;
    }

    private static ObjectNode query() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("query")
                .putObject("bool")
                .putArray("filter")
                .addObject()
                .putObject("term")
                .put(Field.OUTCOME, KIND);
        return body;
    }

    private static JsonNode search(IndexClient client, IndexLayout layout, ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + layout.ledgerIndex() + "/_search", body);
        if (answer.status() == 404) {
            return JsonNodeFactory.instance.arrayNode(); // nothing was ever written
        }
        return client.required(answer).at("/hits/hits");
    }
}
