package lenstream.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.concurrent.Callable;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexException;
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
        description = "Says what runs, on which port, how many images are indexed or rejected, and by which encoder.")
final class StatusCommand implements Callable<Integer> {
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
            status.properties()
                    .forEach(entry -> System.out.printf(
                            "%-12s %s%n",
                            entry.getKey(),
                            entry.getValue().isTextual()
                                    ? entry.getValue().asText()
                                    : entry.getValue().toString()));
        }
        return 0;
    }

    private void count(ObjectNode status, String url, Fingerprint fingerprint) {
        try (IndexClient client = IndexClient.open(workspace.openSearchAt(url))) {
            status.put("images", IndexCounts.images(client, workspace.layout(), fingerprint));
            status.put("rejected", IndexCounts.rejections(client, workspace.layout()));
            ObjectNode reasons = status.putObject("rejections");
            IndexCounts.rejectionsByReason(client, workspace.layout()).forEach(reasons::put);
        } catch (IndexException e) {
            status.put("problem", e.getMessage());
        }
    }
}
