package lenstream.connector.opensearch;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Counters {@code lenstream_rejections} by stage and reason, which reporters such as Prometheus show as labels. Confined
 * to the task thread.
 */
final class RejectionCounters {
    private final MetricGroup group;
    private final Map<Stage, Map<Reason, Counter>> counters = new HashMap<>();

    RejectionCounters(MetricGroup group) {
        this.group = group;
    }

    void count(Stage stage, Reason reason) {
        counters.computeIfAbsent(stage, s -> new HashMap<>())
                .computeIfAbsent(
                        reason,
                        r -> group.addGroup("stage", lower(stage))
                                .addGroup("reason", lower(reason))
                                .counter("lenstream_rejections"))
                .inc();
    }

    private static String lower(Enum<?> label) {
        return label.name().toLowerCase(Locale.ROOT);
    }
}
