package lenstream.core.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/** How long images took to the searcher, by the kind of resource they were found in and by milestone. Thread-safe. */
public final class FreshnessRecord {
    /** Kinds of resources come from this program; should they ever come from elsewhere, memory stays bounded. */
    private static final int MOST_SOURCES = 32;

    private static final String OTHERS = "other";

    private final Map<String, Map<Milestone, LatencyHistogram>> sources = new TreeMap<>();

    /** @param source as {@link lenstream.core.image.CrawlTarget#via()} */
    public void add(String source, Milestone milestone, long millis) {
        histogram(source, milestone).add(millis);
    }

    private synchronized LatencyHistogram histogram(String source, Milestone milestone) {
        String known = sources.containsKey(source) || sources.size() < MOST_SOURCES ? source : OTHERS;
        return sources.computeIfAbsent(known, unseen -> new EnumMap<>(Milestone.class))
                .computeIfAbsent(milestone, unseen -> new LatencyHistogram());
    }

    /** What is done with each histogram. */
    interface Visitor {
        void visit(String source, Milestone milestone, LatencyHistogram histogram);
    }

    synchronized void forEach(Visitor visitor) {
        sources.forEach((source, milestones) ->
                milestones.forEach((milestone, histogram) -> visitor.visit(source, milestone, histogram)));
    }

    /** Adds what another place has recorded. */
    void add(JsonNode recorded) {
        recorded.properties().forEach(source -> {
            for (Milestone milestone : Milestone.values()) {
                JsonNode histogram = source.getValue().path(milestone.label());
                if (!histogram.isMissingNode()) {
                    histogram(source.getKey(), milestone).add(LatencyHistogram.of(histogram));
                }
            }
        });
    }

    synchronized ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        sources.forEach((source, milestones) -> {
            ObjectNode ofSource = json.putObject(source);
            milestones.forEach((milestone, histogram) -> ofSource.set(milestone.label(), histogram.json()));
        });
        return json;
    }
}
