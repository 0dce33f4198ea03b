package lenstream.connector.opensearch;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lenstream.core.ledger.LatencyHistogram;
import lenstream.core.ledger.Milestone;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.HistogramStatistics;
import org.apache.flink.metrics.MetricGroup;

/**
 * Freshness in Flink's metrics: a histogram {@code lenstream_freshness_seconds} for each {@code source} and {@code stage}
 * (see {@link Milestone}), and for the progress line the gauges {@code lenstream_freshness_p50_millis} and {@code …p99…}
 * from discovered to searchable over the last {@value Reservoir#SIZE} images. Thread-safe.
 */
final class FreshnessMetrics {
    private final MetricGroup group;
    private final Reservoir recent = new Reservoir();
    private final Map<String, LatencyHistogram> histograms = new ConcurrentHashMap<>();

    FreshnessMetrics(MetricGroup group) {
        this.group = group;
        group.gauge("lenstream_freshness_p50_millis", (Gauge<Long>) () -> recent.percentile(0.50));
        group.gauge("lenstream_freshness_p99_millis", (Gauge<Long>) () -> recent.percentile(0.99));
    }

    void add(String source, Milestone milestone, long millis) {
        histograms
                .computeIfAbsent(source + "/" + milestone, unseen -> register(source, milestone))
                .add(millis);
        if (milestone == Milestone.DISCOVERED_TO_SEARCHABLE) {
            recent.add(millis);
        }
    }

    private LatencyHistogram register(String source, Milestone milestone) {
        var histogram = new LatencyHistogram();
        group.addGroup("source", source)
                .addGroup("stage", milestone.label())
                .histogram("lenstream_freshness_seconds", new InSeconds(histogram));
        return histogram;
    }

    /** Flink's view of a histogram of milliseconds. */
    private record InSeconds(LatencyHistogram millis) implements Histogram {
        @Override
        public void update(long seconds) {
            millis.add(seconds * 1000);
        }

        @Override
        public long getCount() {
            return millis.count();
        }

        @Override
        public HistogramStatistics getStatistics() {
            return new Statistics(millis);
        }
    }

    private static final class Statistics extends HistogramStatistics {
        private final LatencyHistogram millis;

        Statistics(LatencyHistogram millis) {
            this.millis = millis;
        }

        @Override
        public double getQuantile(double share) {
            return millis.percentileMillis(share) / 1000;
        }

        @Override
        public long[] getValues() {
            return new long[0]; // classes are kept, not values
        }

        @Override
        public int size() {
            return Math.toIntExact(Math.min(Integer.MAX_VALUE, millis.count()));
        }

        @Override
        public double getMean() {
            return millis.meanMillis() / 1000;
        }

        @Override
        public double getStdDev() {
            return Double.NaN; // of a distribution with a long tail it says nothing
        }

        @Override
        public long getMax() {
            return Math.round(getQuantile(1));
        }

        @Override
        public long getMin() {
            return Math.round(getQuantile(0));
        }
    }
}
