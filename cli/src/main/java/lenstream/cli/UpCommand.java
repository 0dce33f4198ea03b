package lenstream.cli;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LocalProgram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lenstream up}: the services alone, as processes that stay. */
@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        description = "Starts OpenSearch and the search API, and with --cluster a Flink cluster; they stay until down.")
final class UpCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Option(names = "--port", defaultValue = "8080", description = "port of the search API (default: ${DEFAULT-VALUE})")
    private int port;

    @Option(names = "--opensearch-port", defaultValue = "0", description = "port of OpenSearch (default: a free one)")
    private int openSearchPort;

    @Option(names = "--cluster", description = "also a standalone Flink cluster for crawl --cluster")
    private boolean cluster;

    @Option(
            names = "--task-managers",
            paramLabel = "N",
            defaultValue = "1",
            description = "TaskManagers of that cluster (default: ${DEFAULT-VALUE})")
    private int taskManagers;

    @Mixin
    private PushOptions push;

    @Override
    public Integer call() throws InterruptedException {
        // beside OpenSearch and the API: most of a start is waiting for a single thread of the other
        var flink = new FutureTask<>(() -> LocalFlinkCluster.attach(workspace.flinkRun())
                .orElseGet(() -> LocalServices.startFlink(workspace, taskManagers)));
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
        String openSearch = workspace.openSearch != null
                ? workspace.openSearch.toString()
                : LocalOpenSearch.attach(workspace.openSearchRun())
                        .orElseGet(() -> LocalServices.startOpenSearch(workspace, true, openSearchPort, false))
                        .uri()
                        .toString();
        System.out.println("OpenSearch  " + openSearch);
        if (LocalServices.api(workspace).isEmpty()) {
            DoctorCommand.requireFree(port);
            LocalProgram api = LocalServices.startApi(workspace, openSearch, port, true, push.arguments());
            System.err.println("  search API started, log in " + api.log());
        }
        System.out.println("search API  " + LocalServices.apiUri(workspace));
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
