package lenstream.connector.fetch;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Counts of the visit operator; at rest {@code in + revisits = fetched + unchanged + rejected + merged + takenDown},
 * but for URLs that were known when they were taken down, which count as taken down whenever they are met.
 *
 * @param in targets that discovery named
 * @param merged of those, waiting already
 * @param revisits visits that a URL's own schedule asked for
 * @param fetched new or changed bytes
 * @param changed of those, of URLs that were known with other bytes
 * @param unchanged found as they were
 * @param rejected not to be had
 * @param gone of those, withdrawn because they are no longer there
 * @param takenDown dropped because a take-down covers them
 * @param forgotten URLs of which nothing is kept any more
 */
record VisitMetrics(
        Counter in,
        Counter merged,
        Counter revisits,
        Counter fetched,
        Counter changed,
        Counter unchanged,
        Counter rejected,
        Counter gone,
        Counter takenDown,
        Counter forgotten) {
    static VisitMetrics register(MetricGroup group) {
        return new VisitMetrics(
                group.counter("lenstream_visit_in"),
                group.counter("lenstream_visit_merged"),
                group.counter("lenstream_revisits"),
                group.counter("lenstream_fetched"),
                group.counter("lenstream_changed"),
                group.counter("lenstream_unchanged"),
                group.counter("lenstream_fetch_rejected"),
                group.counter("lenstream_gone"),
                group.counter("lenstream_visit_taken_down"),
                group.counter("lenstream_forgotten"));
    }
}
