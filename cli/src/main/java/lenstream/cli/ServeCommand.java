package lenstream.cli;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import lenstream.core.config.ConfigReader;
import lenstream.core.web.WebConfig;
import lenstream.search.SearchConfig;
import lenstream.search.SearchServer;
import lenstream.search.http.HttpConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lenstream serve}: the search API in the foreground. {@code up} runs it as a process, images as their entry. */
@Command(name = "serve", mixinStandardHelpOptions = true, description = "Runs the search API until it is stopped.")
final class ServeCommand implements Callable<Integer> {
    /** How long one answer of OpenSearch is waited for: a person is waiting too. */
    private static final Duration QUERY_LIMIT = Duration.ofSeconds(10);

    @Mixin
    private Workspace workspace;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "address to listen on (default: ${DEFAULT-VALUE})")
    private String host;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Port.class,
            defaultValue = "8080",
            description = "port, 0 for a free one (default: ${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--grpc-port",
            paramLabel = "PORT",
            defaultValue = "-1",
            description = "port of the Open Inference Protocol over gRPC, usually 8001; 0 for a free one, -1 for none"
                    + " (default: ${DEFAULT-VALUE})")
    private int grpcPort;

    @Option(
            names = "--http",
            paramLabel = "FILE",
            description = "YAML with tokens, rate_limit, cors, tls, access_log and limits; see infra/images/README.md")
    private @Nullable Path http;

    @Option(
            names = "--allow-private",
            paramLabel = "CIDR",
            split = ",",
            description = "private networks that image URLs of queries may lead to, e.g. 10.0.0.0/8")
    private List<String> allowPrivate = List.of();

    @Option(
            names = "--flink",
            paramLabel = "URL",
            split = ",",
            description = "Flink clusters whose jobs the status page shows, besides those of this data directory")
    private List<URI> flink = List.of();

    @Mixin
    private PushOptions push;

    @Override
    public Integer call() throws InterruptedException {
        try (var ctrlC = new CtrlC();
                OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                SearchServer server = SearchServer.start(
                        config(workspace, openSearch.url(), host, port, allowPrivate)
                                .withPush(push.config())
                                .withGrpcPort(grpcPort)
                                .withHttp(
                                        http == null
                                                ? HttpConfig.defaults()
                                                : ConfigReader.read(http, HttpConfig.class)),
                        new RunningJobs(workspace, flink))) {
            System.err.println("search API on " + server.uri()
                    + (server.grpcPort() < 0 ? "" : ", Open Inference over gRPC on port " + server.grpcPort()));
            ctrlC.awaitAsked();
        }
        return 0;
    }

    static SearchConfig config(
            Workspace workspace, String openSearch, String host, int port, List<String> allowPrivate) {
        return SearchConfig.defaults(workspace.model(), openSearch)
                .withHost(host)
                .withPort(port)
                .withOpenSearch(workspace.openSearchAt(openSearch).withRequestTimeout(QUERY_LIMIT))
                .withLayout(workspace.layout())
                .withReceiptKey(workspace.receiptKey())
                .withWeb(CliException.unless(
                        "--allow-private", () -> WebConfig.defaults().withAllowPrivate(allowPrivate)));
    }
}
