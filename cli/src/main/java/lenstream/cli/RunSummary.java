package lenstream.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.job.CrawlCounts;
import picocli.CommandLine;

/**
 * How a run ended, from its counts and from what the index now holds.
 *
 * @param documents images in the index
 * @param rejections dead letters by reason
 */
record RunSummary(Fingerprint fingerprint, CrawlCounts counts, long documents, Map<String, Long> rejections) {

    static RunSummary of(Workspace workspace, String openSearch, CrawlCounts counts) {
        Fingerprint fingerprint = ModelBundle.load(workspace.model()).fingerprint();
        try (IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch))) {
            IndexCounts.refresh(client, workspace.layout(), fingerprint);
            return new RunSummary(
                    fingerprint,
                    counts,
                    IndexCounts.images(client, workspace.layout(), fingerprint),
                    new TreeMap<>(IndexCounts.rejectionsByReason(client, workspace.layout())));
        }
    }

    /** Results to standard output: a few lines, or JSON. */
    void print(CommandLine command, boolean json, CrawlReport report) {
        var out = command.getOut();
        if (json) {
            out.println(toJson().toPrettyString());
        } else {
            out.print(text(report));
        }
        out.flush();
    }

    /** A few lines for people: what this run did, and what the index now holds. */
    String text(CrawlReport report) {
        var text = new StringBuilder();
        text.append(report.line(counts)).append('\n');
        text.append(String.format(
                Locale.ROOT,
                "this run: indexed %,d, unchanged %,d, rejected %,d%n",
                counts.indexed(),
                counts.unchanged(),
                counts.rejected()));
        text.append(String.format(Locale.ROOT, "index %s: %,d images%n", fingerprint, documents));
        rejections.forEach((reason, n) ->
                text.append(String.format(Locale.ROOT, "  rejected %-20s %,d%n", reason.toLowerCase(Locale.ROOT), n)));
        return text.toString();
    }

    private ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("fingerprint", fingerprint.value())
                .put("found", counts.found())
                .put("fetched", counts.fetched())
                .put("indexed", counts.indexed())
                .put("unchanged", counts.unchanged())
                .put("rejected", counts.rejected())
                .put("documents", documents)
                .put("freshness_p50_ms", counts.freshnessP50Millis())
                .put("freshness_p99_ms", counts.freshnessP99Millis());
        ObjectNode reasons = json.putObject("rejections");
        rejections.forEach(reasons::put);
        return json;
    }
}
