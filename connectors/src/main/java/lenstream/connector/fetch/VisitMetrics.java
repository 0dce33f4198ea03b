package lenstream.connector.fetch;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** Counts of the visit operator; at rest {@code in = fetched + unchanged + rejected + merged}. */
record VisitMetrics(Counter in, Counter merged, Counter fetched, Counter unchanged, Counter rejected) {
    static VisitMetrics register(MetricGroup group) {
        return new VisitMetrics(
                group.counter("lenstream_visit_in"),
                group.counter("lenstream_visit_merged"),
                group.counter("lenstream_fetched"),
                group.counter("lenstream_unchanged"),
                group.counter("lenstream_fetch_rejected"));
    }
}
