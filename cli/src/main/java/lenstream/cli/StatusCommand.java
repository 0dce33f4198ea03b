package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import lenstream.core.alert.AlertCounts;
import lenstream.core.index.BulkLoad;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexException;
import lenstream.core.ledger.Freshness;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lenstream status}: what runs, on which port, how many documents, which fingerprint. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description =
                "Says what runs, on which port, how many images are indexed or rejected, by which encoder, how long they"
                        + " took until they could be found, and how the alerts are.")
final class StatusCommand implements Callable<Integer> {
    private static final String FRESHNESS = "freshness";
    private static final String ALERTS = "alerts";
    private static final String REJECTIONS = "rejections";
    private static final String PROBLEM = "problem";

    @Mixin
    private Workspace workspace;

    @Option(names = "--json", description = "as JSON")
    private boolean json;

    @Override
    public Integer call() {
        Fingerprint fingerprint = ModelBundle.load(workspace.model()).fingerprint();
        ObjectNode status = JsonNodeFactory.instance
                .objectNode()
                .put("data", workspace.data().toString())
                .put("fingerprint", fingerprint.value());
        Optional<String> openSearch = OpenSearchLease.running(workspace);
        status.put("opensearch", openSearch.orElse("not running"));
        status.put(
                "flink",
                LocalFlinkCluster.attach(workspace.flinkRun())
                        .map(f -> f.uri().toString())
                        .orElse("not running"));
        status.put(
                "search_api",
                LocalServices.runningApi(workspace).map(Object::toString).orElse("not running"));
        openSearch.ifPresent(url -> count(status, url, fingerprint));
        if (json) {
            System.out.println(status.toPrettyString());
        } else {
            status.properties().forEach(entry -> {
                JsonNode value = entry.getValue();
                switch (entry.getKey()) {
                    case FRESHNESS -> freshness(value);
                    case ALERTS -> alerts(value);
                    case REJECTIONS -> rejections(value);
                    default -> System.out.printf("%-12s %s%n", entry.getKey(), value.asText());
                }
            });
        }
        return status.has(PROBLEM) ? 1 : 0;
    }

    private static void rejections(JsonNode reasons) {
        reasons.properties()
                .forEach(reason -> System.out.printf(
                        Locale.ROOT,
                        "  rejected %-20s %,d%n",
                        reason.getKey().toLowerCase(Locale.ROOT),
                        reason.getValue().asLong()));
    }

    private static void alerts(JsonNode counts) {
        System.out.printf(
                Locale.ROOT,
                "%-12s %d (%d stale, %d with a receiver that is gone), %d matches; webhooks: %d told, %d on their way,"
                        + " %d failed%n",
                ALERTS,
                counts.path("alerts").asLong(),
                counts.path("stale").asLong(),
                counts.path("disabled").asLong(),
                counts.path("matches").asLong(),
                counts.path("delivered").asLong(),
                counts.path("pending").asLong(),
                counts.path("failed").asLong());
    }

    private static void freshness(JsonNode rows) {
        if (rows.isEmpty()) {
            return;
        }
        System.out.printf("%-12s of the last day in which images were indexed:%n", FRESHNESS);
        for (JsonNode row : rows) {
            System.out.printf(
                    Locale.ROOT,
                    "  %-8s %-24s %8d images  p50 %9s  p90 %9s  p99 %9s   %s%n",
                    row.path("source").asText(),
                    row.path("stage").asText(),
                    row.path("images").asLong(),
                    time(row.path("p50_ms").asDouble()),
                    time(row.path("p90_ms").asDouble()),
                    time(row.path("p99_ms").asDouble()),
                    row.path("meaning").asText());
        }
    }

    /** With the unit in which it is easiest to read. */
    static String time(double millis) {
        double seconds = millis / 1000;
        if (seconds < 1) {
            return String.format(Locale.ROOT, "%.0f ms", millis);
        }
        if (seconds < 120) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        return seconds < 7_200
                ? String.format(Locale.ROOT, "%.1f min", seconds / 60)
                : String.format(Locale.ROOT, "%.1f h", seconds / 3_600);
    }

    private void count(ObjectNode status, String url, Fingerprint fingerprint) {
        try (IndexClient client = IndexClient.open(workspace.openSearchAt(url))) {
            status.put("images", IndexCounts.images(client, workspace.layout(), fingerprint));
            if (BulkLoad.isUnderWay(client, workspace.layout(), fingerprint)) {
                status.put("bulk_load", "under way, or cut short: the next index or crawl puts the settings back");
            }
            status.put("rejected", IndexCounts.rejections(client, workspace.layout()));
            ObjectNode reasons = status.putObject(REJECTIONS);
            IndexCounts.rejectionsByReason(client, workspace.layout()).forEach(reasons::put);
            status.set(
                    ALERTS,
                    AlertCounts.read(client, workspace.layout(), fingerprint.value())
                            .json());
            ArrayNode rows = status.putArray(FRESHNESS);
            for (Freshness freshness : Freshness.read(client, workspace.layout())) {
                rows.addObject()
                        .put("source", freshness.source())
                        .put("stage", freshness.milestone().label())
                        .put("images", freshness.images())
                        .put("p50_ms", Math.round(freshness.p50Millis()))
                        .put("p90_ms", Math.round(freshness.p90Millis()))
                        .put("p99_ms", Math.round(freshness.p99Millis()))
                        .put("meaning", freshness.milestone().meaning());
            }
        } catch (IndexException e) {
            status.put(PROBLEM, e.getMessage());
        }
    }
}
