package lenstream.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LocalProgram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lenstream up}: the services alone, as processes that stay. */
@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        description = "Starts OpenSearch and the search API, and with --cluster a Flink cluster; they stay until down.")
final class UpCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Port.class,
            defaultValue = "8080",
            description = "port of the search API (default: ${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--opensearch-port",
            paramLabel = "PORT",
            converter = Port.class,
            defaultValue = "0",
            description = "port of OpenSearch (default: a free one)")
    private int openSearchPort;

    @Option(
            names = "--cluster",
            description = "also a standalone Flink cluster for crawl --cluster and index --cluster; it has the file"
                    + " systems that ./lenstream add fetched, and this environment's AWS_..., GOOGLE_... and AZURE_...")
    private boolean cluster;

    @Option(
            names = "--task-managers",
            paramLabel = "N",
            converter = AtLeastOne.class,
            defaultValue = "1",
            description = "TaskManagers of that cluster (default: ${DEFAULT-VALUE})")
    private int taskManagers;

    @Mixin
    private PushOptions push;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        // beside OpenSearch and the API: most of a start is waiting for a single thread of the other
        Optional<LocalFlinkCluster> running = LocalFlinkCluster.attach(workspace.flinkRun());
        running.ifPresent(there -> runsAlready("the Flink cluster", "--task-managers"));
        var flink = new FutureTask<>(() -> running.orElseGet(() -> LocalServices.startFlink(workspace, taskManagers)));
        if (cluster) {
            Thread.ofPlatform().name("start-flink").start(flink);
        }
        try {
            startSearch();
        } finally {
            if (cluster) {
                System.out.println("Flink       " + await(flink).uri());
            }
        }
        return 0;
    }

    private void startSearch() throws InterruptedException {
        Optional<LocalOpenSearch> node = LocalOpenSearch.attach(workspace.openSearchRun());
        node.ifPresent(there -> runsAlready("OpenSearch", "--opensearch-port"));
        String openSearch = workspace.openSearch != null
                ? workspace.openSearch.toString()
                : node.orElseGet(() -> LocalServices.startOpenSearch(workspace, true, openSearchPort, false))
                        .uri()
                        .toString();
        System.out.println("OpenSearch  " + openSearch);
        if (LocalServices.api(workspace).isEmpty()) {
            DoctorCommand.requireFree(port);
            LocalProgram api = LocalServices.startApi(workspace, openSearch, port, true, push.arguments());
            System.err.println("  search API started, log in " + api.log());
        } else {
            runsAlready(
                    "the search API", "--port", "--model", "--prefix", "--opensearch", "--indexnow", "--public-url");
        }
        System.out.println("search API  " + LocalServices.apiUri(workspace));
    }

    /** Says which of the options that were given come too late for a service. */
    private void runsAlready(String service, String... options) {
        List<String> late = Arrays.stream(options)
                .filter(option -> spec.commandLine().getParseResult().hasMatchedOption(option))
                .toList();
        if (!late.isEmpty()) {
            System.err.println("  " + service + " runs already: " + String.join(", ", late)
                    + (late.size() == 1 ? " comes" : " come") + " too late; run ./lenstream down first");
        }
    }

    private static LocalFlinkCluster await(FutureTask<LocalFlinkCluster> started) throws InterruptedException {
        try {
            return started.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure; // the sentence for people is in it
            }
            throw new IllegalStateException(e.getCause());
        }
    }
}
