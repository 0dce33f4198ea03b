package lenstream.cli;

import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lenstream.connector.source.FileSystems;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LocalProgram;

/** The services of one machine: OpenSearch, the search API and, on request, a Flink cluster. */
final class LocalServices {
    static final String API = "search-api";
    private static final String PORT = "port";

    private LocalServices() {}

    static LocalOpenSearch startOpenSearch(DataFolder folder, boolean detached, int port, boolean quickStart) {
        var config = LocalOpenSearch.Config.of(folder.openSearchDistribution(), folder.openSearchRun())
                .withJavaHome(Path.of(System.getProperty("java.home")))
                .withHeap("512m")
                .withHttpPort(port)
                .withQuickStart(quickStart)
                .withDetached(detached);
        return LocalOpenSearch.start(config, line -> System.err.println("  " + line));
    }

    static LocalFlinkCluster startFlink(DataFolder folder, int taskManagers) {
        var config = LocalFlinkCluster.Config.of(folder.flinkDistribution(), folder.flinkRun())
                .withTaskManagers(taskManagers)
                .withTaskHeapMib(1024)
                .withTaskOffHeapMib(512)
                .withSettings(FileSystems.places(System.getenv()))
                .withEnvironment(FileSystems.forwarded(folder.plugins(), System.getenv()))
                .withDetached(true);
        return LocalFlinkCluster.start(config, line -> System.err.println("  " + line));
    }

    /** Starts {@code lenstream serve} as a process of its own. */
    static LocalProgram startApi(Workspace workspace, String openSearch, int port, boolean detached, List<String> more)
            throws InterruptedException {
        List<String> command = thisProgram("-Xmx512m");
        command.addAll(List.of(
                "serve",
                "--data",
                workspace.data().toString(),
                "--model",
                workspace.model().toString(),
                "--prefix",
                workspace.prefix,
                "--opensearch",
                openSearch,
                "--port",
                Integer.toString(port)));
        command.addAll(more);
        var config = new LocalProgram.Config(
                API,
                command,
                workspace.apiRun(),
                Map.of(PORT, Integer.toString(port)),
                Duration.ofSeconds(60),
                detached);
        try (var client = new ApiClient(localUri(port))) {
            return LocalProgram.start(config, client::isAlive);
        }
    }

    static Optional<LocalProgram> api(DataFolder folder) {
        return LocalProgram.attach(folder.apiRun(), API);
    }

    static Optional<URI> runningApi(DataFolder folder) {
        return api(folder).flatMap(api -> api.fact(PORT)).map(port -> localUri(Integer.parseInt(port)));
    }

    /** Where the search API is to be found: the one that runs here, else the default port. */
    static URI apiUri(DataFolder folder) {
        return runningApi(folder).orElse(localUri(8080));
    }

    static URI localUri(int port) {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** The command line of this very program: same Java, flags, class path. */
    private static List<String> thisProgram(String memory) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add(memory);
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith("-Xmx") && !flag.startsWith("-XX:"))
                .forEach(command::add);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(Lenstream.class.getName());
        return command;
    }
}
