package lenstream.search;

import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts and times of the server, as Prometheus text. Thread-safe. */
final class SearchMetrics {
    /** Upper bounds of the histogram, seconds: a text search takes milliseconds, a large picture hundreds. */
    private static final double[] BOUNDS = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

    private final Map<String, LongAdder> requests = new ConcurrentSkipListMap<>();
    private final Map<String, Histogram> durations = new ConcurrentSkipListMap<>();

    /** A stage of a search. */
    enum Stage {
        EMBED,
        INDEX,
        TOTAL
    }

    /**
     * @param type what was asked for: {@code text}, {@code image}, {@code similar}, …
     * @param status of the answer
     */
    void answered(String type, int status) {
        requests.computeIfAbsent("{type=\"" + type + "\",code=\"" + status + "\"}", key -> new LongAdder())
                .increment();
    }

    void took(Stage stage, long nanos) {
        durations
                .computeIfAbsent(stage.name().toLowerCase(Locale.ROOT), key -> new Histogram())
                .add(nanos / 1e9);
    }

    /** The exposition format, version 0.0.4. */
    String text(String fingerprint, boolean ready, long documents, TextCache cache) {
        var out = new StringBuilder(4_096);
        out.append("# TYPE lenstream_search_requests_total counter\n");
        requests.forEach((labels, count) -> line(out, "lenstream_search_requests_total" + labels, count.sum()));
        out.append("# TYPE lenstream_search_duration_seconds histogram\n");
        durations.forEach((stage, histogram) -> histogram.write(out, stage));
        out.append("# TYPE lenstream_search_text_cache_requests_total counter\n");
        line(out, "lenstream_search_text_cache_requests_total{result=\"hit\"}", cache.hits.sum());
        line(out, "lenstream_search_text_cache_requests_total{result=\"miss\"}", cache.misses.sum());
        out.append("# TYPE lenstream_search_ready gauge\n");
        line(out, "lenstream_search_ready", ready ? 1 : 0);
        out.append("# TYPE lenstream_search_documents gauge\n");
        line(out, "lenstream_search_documents", documents);
        out.append("# TYPE lenstream_model_info gauge\n");
        line(out, "lenstream_model_info{fingerprint=\"" + fingerprint + "\"}", 1);
        return out.toString();
    }

    private static void line(StringBuilder out, String name, long value) {
        out.append(name).append(' ').append(value).append('\n');
    }

    private static final class Histogram {
        private final LongAdder[] buckets = new LongAdder[BOUNDS.length];
        private final LongAdder count = new LongAdder();
        private final LongAdder micros = new LongAdder();

        Histogram() {
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        void add(double seconds) {
            for (int i = 0; i < BOUNDS.length; i++) {
                if (seconds <= BOUNDS[i]) {
                    buckets[i].increment();
                }
            }
            count.increment();
            micros.add(Math.round(seconds * 1e6));
        }

        void write(StringBuilder out, String stage) {
            String name = "lenstream_search_duration_seconds";
            String label = "stage=\"" + stage + "\"";
            for (int i = 0; i < BOUNDS.length; i++) {
                line(out, name + "_bucket{" + label + ",le=\"" + BOUNDS[i] + "\"}", buckets[i].sum());
            }
            line(out, name + "_bucket{" + label + ",le=\"+Inf\"}", count.sum());
            out.append(name + "_sum{" + label + "} ").append(micros.sum() / 1e6).append('\n');
            line(out, name + "_count{" + label + "}", count.sum());
        }
    }
}
