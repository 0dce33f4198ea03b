package lenstream.search;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import io.helidon.http.DirectHandler;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http2.Http2Config;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import lenstream.core.alert.AlertRegister;
import lenstream.core.alert.SecretSeal;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexClient;
import lenstream.core.index.SpaceWatch;
import lenstream.core.web.WebClient;
import lenstream.search.alert.AlertDelivery;
import lenstream.search.http.Cors;
import lenstream.search.http.HeaderWatch;
import lenstream.search.http.HttpConfig;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.push.CrawlRoutes;
import lenstream.search.push.IndexNowRoutes;
import lenstream.search.push.PushedUrls;
import lenstream.search.push.WebSubRoutes;
import lenstream.search.remote.RemoteConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The running search server: HTTP on virtual threads, one encoder, one connection pool to the index. It starts although
 * the index does not answer yet; {@code /health/ready} says why until it does. Thread-safe.
 */
public final class SearchServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SearchServer.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    /** A text of the longest kind, each character three bytes of UTF-8 and each of them three characters of a URL. */
    private static final int MAX_REQUEST_LINE = 32 << 10;

    /** Of one HTTP/2 connection: enough for a page of thumbnails. Each holds a thread and a body; the engine's own is 8,192. */
    private static final int MAX_STREAMS = 128;

    private static final Duration IDLE_CHECK = Duration.ofSeconds(10);

    /** A request is on its way for a moment. */
    private static final Duration IDLE_SLACK = Duration.ofSeconds(2);

    private static final String WARM_UP = "a photograph";

    private final ActiveSpace spaces;
    private final IndexClient index;
    private final IndexWatch watch;
    private final SpaceWatch following;
    private final WebClient web;
    private final Metrics metrics;
    private final WebServer server;
    private final @Nullable GrpcInference grpc;
    private final String host;
    private final String scheme;
    private final AlertDelivery alerts;
    private final TakedownUpkeep takedowns;
    private @Nullable WebSubRoutes webSub;

    @SuppressWarnings("MustBeClosed") // client and web client are freed in close()
    private SearchServer(SearchConfig config, QueryEncoder encoder, Supplier<List<URI>> jobs, Metrics metrics) {
        this.metrics = metrics;
        this.host = config.host();
        this.scheme = config.http().scheme();
        requireFree(config);
        this.index = IndexClient.open(config.openSearch());
        this.web = WebClient.open(config.web());
        Function<QueryEncoder, SearchSpace> maker = e -> new SearchSpace(e, index, config.layout(), web, metrics);
        this.spaces = new ActiveSpace(
                maker.apply(encoder), maker, bundle -> BundleQueryEncoder.open(bundle, config.device()));
        this.watch =
                new IndexWatch(index, config.layout(), () -> spaces.current().encoder());
        var shown = new ShownMatches(spaces);
        var seal = new SecretSeal(config.receiptKey());
        this.alerts = new AlertDelivery(
                config.alerts(),
                index,
                config.layout(),
                web,
                seal,
                (alert, matches) -> shown.of(alert, matches, config.push().publicUrl()),
                new AlertSpaces(spaces, new AlertRegister(index, config.layout())),
                metrics);
        this.takedowns = new TakedownUpkeep(index, config.layout(), config.receiptKey());
        SpaceWatch follower = null;
        WebServer running = null;
        try {
            RouteTable table = table(config, shown, seal, jobs);
            this.server = build(config, table);
            encoder.embedText(WARM_UP); // the first call pays for lazy initialisation
            watch.start();
            follower = SpaceWatch.start(
                    new SpaceWatch.Where(config.openSearch(), config.layout()),
                    new SpaceWatch.Deed("api", List.of(encoder.fingerprint().value()), ""),
                    spaces::follow);
            this.following = follower;
            server.start();
            running = server;
            alerts.start();
            takedowns.start();
            this.grpc = config.grpcPort() == SearchConfig.NO_GRPC
                    ? null
                    : GrpcInference.start(host, config.grpcPort(), config.http(), spaces, table);
        } catch (RuntimeException e) {
            if (running != null) {
                running.stop();
            }
            if (follower != null) {
                follower.close();
            }
            watch.close();
            closeWebSub();
            alerts.close();
            takedowns.close();
            web.close();
            index.close();
            throw new StartException("the search server cannot start: " + e.getMessage(), e);
        }
    }

    /**
     * Loads the encoder and starts.
     *
     * @throws StartException if the port is taken or the server cannot start
     * @throws lenstream.core.config.ConfigException if the bundle is missing or wrong
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the server closes the encoder
    public static SearchServer start(SearchConfig config) {
        return start(config, List::of);
    }

    /**
     * Loads the encoder and starts.
     *
     * @param jobs REST addresses of the Flink clusters whose jobs {@code /v1/status} shows; asked for at each look
     * @throws StartException if the port is taken or the server cannot start
     * @throws lenstream.core.config.ConfigException if the bundle is missing or wrong
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the server closes the encoder
    public static SearchServer start(SearchConfig config, Supplier<List<URI>> jobs) {
        requireFree(config); // before seconds are spent on the encoder
        var metrics = new Metrics();
        RemoteConfig remote = config.encoder();
        QueryEncoder encoder = remote == null
                ? BundleQueryEncoder.open(config.bundle(), config.device())
                : BundleQueryEncoder.open(config.bundle(), remote, metrics);
        return start(config, encoder, jobs, metrics);
    }

    /**
     * Starts with an encoder, which is closed with the server, also when the server does not start.
     *
     * @throws StartException if the port is taken or the server cannot start
     */
    @MustBeClosed
    public static SearchServer start(SearchConfig config, QueryEncoder encoder) {
        return start(config, encoder, List::of, new Metrics());
    }

    @MustBeClosed
    private static SearchServer start(
            SearchConfig config, QueryEncoder encoder, Supplier<List<URI>> jobs, Metrics metrics) {
        try {
            var started = new SearchServer(config, encoder, jobs, metrics);
            LOG.info("event=started uri={} fingerprint={}", started.uri(), encoder.fingerprint());
            return started;
        } catch (RuntimeException e) {
            encoder.close();
            throw e;
        }
    }

    /** The port that is listened on. */
    public int port() {
        return server.port();
    }

    /** The port of the Open Inference Protocol over gRPC; {@link SearchConfig#NO_GRPC} if there is none. */
    public int grpcPort() {
        return grpc == null ? SearchConfig.NO_GRPC : grpc.port();
    }

    /** Where the page is. */
    public URI uri() {
        String name = host.equals("0.0.0.0") || host.equals("::") ? "localhost" : host;
        return URI.create(scheme + "://" + (name.contains(":") ? "[" + name + "]" : name) + ":" + port() + "/");
    }

    /** Whether searches are answered now. */
    public boolean ready() {
        return watch.state() instanceof IndexWatch.Ready;
    }

    /** Takes no more requests, lets those at work end for up to five seconds, frees everything. */
    @Override
    public void close() {
        watch.stopping();
        if (grpc != null) {
            grpc.close();
        }
        server.stop();
        watch.close();
        following.close();
        closeWebSub();
        alerts.close();
        takedowns.close();
        web.close();
        index.close();
        spaces.close();
    }

    private void closeWebSub() {
        if (webSub != null) {
            webSub.close();
        }
    }

    /** Every feature's routes. */
    private RouteTable table(SearchConfig config, ShownMatches shown, SecretSeal seal, Supplier<List<URI>> jobs) {
        var table = new RouteTable(config.http(), metrics, this::whyNotReady);
        var features = new ArrayList<Routes>(List.of(
                new PageRoutes(),
                new SearchRoutes(spaces, watch::documents),
                new ImageRoutes(spaces),
                new ProtocolRoutes(spaces),
                new TakedownRoutes(spaces, index, config.layout(), config.receiptKey()),
                new AlertRoutes(
                        spaces,
                        index,
                        config.layout(),
                        shown,
                        alerts,
                        web.guard(),
                        seal,
                        config.push().publicUrl(),
                        config.http().scheme()),
                new OperationRoutes(spaces, watch, metrics),
                new StatusRoutes(spaces, watch, metrics, index, config.layout(), jobs),
                new ExplainRoutes(index, config.layout())));
        features.addAll(pushes(config, seal));
        features.forEach(routes -> routes.register(table));
        return table;
    }

    /** The ways in which others tell of new pages, as far as they are switched on. */
    private List<Routes> pushes(SearchConfig config, SecretSeal seal) {
        var urls = new PushedUrls(new CommandLog(index, config.layout()));
        var routes = new ArrayList<Routes>(List.of(new CrawlRoutes(urls)));
        if (config.push().indexnow()) {
            routes.add(new IndexNowRoutes(config.push(), urls, web));
        }
        URI publicUrl = config.push().publicUrl();
        if (publicUrl != null) {
            var subscriber = new WebSubRoutes(publicUrl, urls, index, config.layout(), seal, web);
            webSub = subscriber;
            routes.add(subscriber);
        }
        return routes;
    }

    private Optional<String> whyNotReady() {
        return watch.state() instanceof IndexWatch.Waiting(String reason) ? Optional.of(reason) : Optional.empty();
    }

    private static WebServer build(SearchConfig config, RouteTable table) {
        HttpConfig http = config.http();
        Map<HeaderName, String> always = security(http);
        Header kept = keepAlive(http.idleTimeout());
        WebServerConfig.Builder server = WebServer.builder()
                .host(config.host())
                .port(config.port())
                .shutdownHook(false)
                .shutdownGracePeriod(GRACE)
                .connectionOptions(options -> options.tcpNoDelay(true))
                .idleConnectionTimeout(http.idleTimeout())
                .idleConnectionPeriod(IDLE_CHECK)
                .maxTcpConnections(http.maxConnections())
                .maxPayloadSize(http.maxBody().bytes() + 1)
                .directHandlers(problems(always))
                .addProtocol(Http1Config.builder()
                        .maxPrologueLength(MAX_REQUEST_LINE)
                        .addReceiveListener(new HeaderWatch(http.headerTimeout()))
                        .build())
                .routing(routing -> routing.addFilter((chain, request, response) -> {
                            always.forEach(response::header);
                            boolean last = request.headers().containsToken(HeaderValues.CONNECTION_CLOSE);
                            if (!last && request.prologue().protocolVersion().startsWith("1")) { // HTTP/2 has none
                                response.header(kept);
                            }
                            chain.proceed();
                            if (last || response.headers().contains(HeaderValues.CONNECTION_CLOSE)) {
                                // else the engine, as of 4.5.0, waits for another request until the idle time is over
                                throw new CloseConnectionException("the answer was said to be the last");
                            }
                        })
                        .addFilter(new Cors(http.cors()))
                        .register("/", table));
        // without TLS, HTTP/1.1 alone: clients gain nothing from an upgrade to HTTP/2 in clear text
        server.protocolsDiscoverServices(http.tls() != null);
        if (http.tls() != null) {
            server.tls(http.tls().tls());
            server.addProtocol(
                    Http2Config.builder().maxConcurrentStreams(MAX_STREAMS).build());
        }
        return server.build();
    }

    /** For how long a client may count on a connection, so that no request meets one that is being closed. */
    private static Header keepAlive(Duration idleTimeout) {
        long seconds = Math.max(1, idleTimeout.minus(IDLE_SLACK).toSeconds());
        return HeaderValues.create("Keep-Alive", "timeout=" + seconds);
    }

    /** Answers of the HTTP engine itself, before a route is found. */
    private static DirectHandlers problems(Map<HeaderName, String> always) {
        var handlers = DirectHandlers.builder();
        for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
            handlers.addHandler(type, (request, event, status, headers, message) -> {
                ProblemException problem = switch (event) {
                    case PAYLOAD_TOO_LARGE -> ProblemException.tooLarge("The body is too large: send a smaller image.");
                    case INTERNAL_ERROR -> ProblemException.internal();
                    default -> ProblemException.badRequest("The request is no proper HTTP: check how it is made.");
                };
                ObjectNode json = problem.json();
                var response = DirectHandler.TransportResponse.builder()
                        .status(Status.create(problem.status()))
                        .header(HeaderNames.CONTENT_TYPE, "application/problem+json")
                        .entity(json.toString().getBytes(StandardCharsets.UTF_8));
                always.forEach(response::header);
                return response.build();
            });
        }
        return handlers.build();
    }

    /** The page loads nothing from elsewhere and runs no script but its own. */
    private static Map<HeaderName, String> security(HttpConfig http) {
        var headers = new LinkedHashMap<HeaderName, String>();
        headers.put(
                HeaderNames.create("Content-Security-Policy"),
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
                        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        headers.put(HeaderNames.create("X-Content-Type-Options"), "nosniff");
        headers.put(HeaderNames.create("X-Frame-Options"), "DENY");
        headers.put(HeaderNames.create("Referrer-Policy"), "no-referrer");
        headers.put(HeaderNames.create("Cross-Origin-Opener-Policy"), "same-origin");
        headers.put(HeaderNames.create("Permissions-Policy"), "geolocation=(), microphone=(), camera=(self)");
        if (http.tls() != null) {
            headers.put(HeaderNames.create("Strict-Transport-Security"), "max-age=31536000");
        }
        return headers;
    }

    /** Binds and frees the port: the server's own failure would not say what to do. */
    private static void requireFree(SearchConfig config) {
        try (var probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(config.host()), config.port()));
        } catch (IOException e) {
            throw new StartException(
                    "port " + config.port() + " on " + config.host() + " cannot be used (" + e.getMessage()
                            + "): stop the program that holds it or choose another port (0 takes a free one)",
                    e);
        }
    }
}
