package lenstream.search.http;

import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * Counts, levels and times of the server, as Prometheus text. Names follow Prometheus' rules: base units, {@code _total}
 * on counters; labels have few values and are {@code name="value"} pairs. Thread-safe.
 */
public final class Metrics {
    /** Upper bounds of the histograms, seconds: a text search takes milliseconds, a large picture hundreds. */
    private static final double[] BOUNDS = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

    /** Upper bounds of how many there are. */
    private static final double[] SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

    private static final String DURATION = "lenstream_search_duration_seconds";

    private final Map<String, Map<String, LongAdder>> counters = new ConcurrentSkipListMap<>();
    private final Map<String, Map<String, DoubleSupplier>> gauges = new ConcurrentSkipListMap<>();
    private final Map<String, Supplier<String>> facts = new ConcurrentSkipListMap<>();
    private final Map<String, Map<String, Histogram>> histograms = new ConcurrentSkipListMap<>();

    /** By type and status, so that the path of every request takes no detour over a text. */
    private final Map<String, Map<Integer, LongAdder>> answers = new ConcurrentHashMap<>();

    private final Histogram[] stages = new Histogram[Stage.values().length];

    public Metrics() {
        for (Stage stage : Stage.values()) {
            stages[stage.ordinal()] = histogram(DURATION, "stage=\"" + lower(stage) + "\"");
        }
    }

    /**
     * The counter of this name.
     *
     * @param labels such as {@code result="hit"}; empty for none
     */
    public LongAdder counter(String name, String labels) {
        return family(counters, name).computeIfAbsent(labels, key -> new LongAdder());
    }

    /** Asks for a level whenever the metrics are read; a level of the same name and labels is replaced. */
    public void gauge(String name, String labels, DoubleSupplier level) {
        family(gauges, name).put(labels, level);
    }

    /** A fact that labels tell; its value is 1. */
    public void info(String name, Supplier<String> labels) {
        facts.put(name, labels);
    }

    /** The histogram of this name, in seconds. */
    public Histogram histogram(String name, String labels) {
        return family(histograms, name).computeIfAbsent(labels, key -> new Histogram(BOUNDS));
    }

    /** The histogram of this name, of how many there are. */
    public Histogram sizes(String name, String labels) {
        return family(histograms, name).computeIfAbsent(labels, key -> new Histogram(SIZES));
    }

    /**
     * @param type what was asked for: {@code text}, {@code image}, {@code similar}, …
     * @param status of the answer
     */
    void answered(String type, int status) {
        answers.computeIfAbsent(type, key -> new ConcurrentHashMap<>())
                .computeIfAbsent(
                        status,
                        code -> counter(
                                "lenstream_search_requests_total", "type=\"" + type + "\",code=\"" + code + "\""))
                .increment();
    }

    void took(Stage stage, long nanos) {
        stages[stage.ordinal()].add(nanos);
    }

    /** Requests since the start that were answered with this status or a higher one. */
    public long requests(int fromStatus) {
        return answers.values().stream()
                .flatMap(codes -> codes.entrySet().stream())
                .filter(code -> code.getKey() >= fromStatus)
                .mapToLong(code -> code.getValue().sum())
                .sum();
    }

    /** How long the given share of all searches took at most, seconds; NaN before the first. */
    public double quantile(Stage stage, double share) {
        return stages[stage.ordinal()].quantile(share);
    }

    /** The exposition format, version 0.0.4. */
    public String text() {
        var out = new StringBuilder(8_192);
        counters.forEach((name, samples) -> {
            out.append("# TYPE ").append(name).append(" counter\n");
            samples.forEach((labels, count) -> line(out, name, labels, count.sum()));
        });
        gauges.forEach((name, samples) -> {
            out.append("# TYPE ").append(name).append(" gauge\n");
            samples.forEach((labels, level) -> line(out, name, labels, level.getAsDouble()));
        });
        facts.forEach((name, labels) -> {
            out.append("# TYPE ").append(name).append(" gauge\n");
            line(out, name, labels.get(), 1);
        });
        histograms.forEach((name, samples) -> {
            out.append("# TYPE ").append(name).append(" histogram\n");
            samples.forEach((labels, histogram) -> histogram.write(out, name, labels));
        });
        return out.toString();
    }

    private static <T> Map<String, T> family(Map<String, Map<String, T>> families, String name) {
        return families.computeIfAbsent(name, key -> new ConcurrentSkipListMap<>());
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static void line(StringBuilder out, String name, String labels, double value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ');
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            out.append((long) value);
        } else {
            out.append(value);
        }
        out.append('\n');
    }

    /** Durations or sizes by how large they were. Thread-safe. */
    public static final class Histogram {
        private final double[] bounds;
        private final LongAdder[] buckets;
        private final LongAdder count = new LongAdder();
        private final LongAdder millionths = new LongAdder();

        private Histogram(double[] bounds) {
            this.bounds = bounds;
            this.buckets = new LongAdder[bounds.length];
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        /** A duration. */
        public void add(long nanos) {
            add(nanos / 1e9, nanos / 1_000);
        }

        /** A size. */
        public void count(int size) {
            add(size, 1_000_000L * size);
        }

        private void add(double value, long inMillionths) {
            for (int i = 0; i < bounds.length; i++) {
                if (value <= bounds[i]) {
                    buckets[i].increment();
                }
            }
            count.increment();
            millionths.add(inMillionths);
        }

        /** Within the bucket, values are taken to lie evenly; beyond the last bound it is that bound. NaN if empty. */
        private double quantile(double share) {
            double rank = share * count.sum();
            long below = 0;
            for (int i = 0; i < bounds.length; i++) {
                long upTo = buckets[i].sum(); // buckets are cumulative
                if (upTo >= rank && upTo > below) {
                    double from = i == 0 ? 0 : bounds[i - 1];
                    return from + (bounds[i] - from) * (rank - below) / (upTo - below);
                }
                below = upTo;
            }
            return count.sum() == 0 ? Double.NaN : bounds[bounds.length - 1];
        }

        private void write(StringBuilder out, String name, String labels) {
            String before = labels.isEmpty() ? "" : labels + ",";
            for (int i = 0; i < bounds.length; i++) {
                line(out, name + "_bucket", before + "le=\"" + bounds[i] + "\"", buckets[i].sum());
            }
            line(out, name + "_bucket", before + "le=\"+Inf\"", count.sum());
            line(out, name + "_sum", labels, millionths.sum() / 1e6);
            line(out, name + "_count", labels, count.sum());
        }
    }
}
