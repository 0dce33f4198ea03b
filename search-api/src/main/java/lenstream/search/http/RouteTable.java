package lenstream.search.http;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lenstream.core.index.IndexUnavailableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Every route of the server with what it takes to use it. Around the work of each lie, in this order: who may ask and how often,
 * whether the index is there, whether there is room: none of these takes the body in. Then the answer, or the problem in the shape of the route's protocol; and the
 * count of both. Other methods of a known path get 405 with {@code Allow}, other paths 404.
 *
 * <p>Filled before the server listens; then immutable.
 */
public final class RouteTable implements HttpService {
    private static final Logger LOG = LoggerFactory.getLogger(RouteTable.class);

    private static final HeaderName TRACEPARENT = HeaderNames.create("traceparent");
    private static final HeaderName TRACERESPONSE = HeaderNames.create("traceresponse");

    private final HttpConfig config;
    private final Guard guard;
    private final RateLimit rate;
    private final Admission admission;
    private final BodyMemory bodies;
    private final AccessLog log;
    private final Metrics metrics;
    private final Supplier<Optional<String>> indexMissing;
    private final List<Route> routes = new ArrayList<>();

    /** One method of one path. By default it needs the scope {@code read}, no index, and counts as work. */
    public static final class Route {
        private final Method method;
        private final String path;
        private final String type;
        private final Consumer<Exchange> work;
        private @Nullable Scope scope = Scope.READ;
        private boolean index;
        private boolean light;
        private BiConsumer<Exchange, ProblemException> errors = Exchange::sendProblem;

        private Route(Method method, String path, String type, Consumer<Exchange> work) {
            this.method = method;
            this.path = path;
            this.type = type;
            this.work = work;
        }

        /** Who may use it. */
        @CanIgnoreReturnValue
        public Route scope(Scope needed) {
            scope = needed;
            return this;
        }

        /** Anyone may use it, whatever tokens there are: files of the page, health, requests that prove themselves. */
        @CanIgnoreReturnValue
        public Route open() {
            scope = null;
            return this;
        }

        /** It answers 503 while the index cannot be searched. */
        @CanIgnoreReturnValue
        public Route needsIndex() {
            index = true;
            return this;
        }

        /** It costs next to nothing and is answered however busy the server is. */
        @CanIgnoreReturnValue
        public Route light() {
            light = true;
            return this;
        }

        /** How its problems are told, where a protocol asks for something else than RFC 9457. */
        @CanIgnoreReturnValue
        public Route errors(BiConsumer<Exchange, ProblemException> shape) {
            errors = shape;
            return this;
        }
    }

    /** @param indexMissing why the index cannot be searched now, a sentence; empty if it can */
    public RouteTable(HttpConfig config, Metrics metrics, Supplier<Optional<String>> indexMissing) {
        this.config = config;
        this.guard = new Guard(config.tokens());
        this.rate = new RateLimit(config.rateLimit());
        this.admission = new Admission(config.maxConcurrent(), metrics);
        this.bodies = BodyMemory.ofHeap(config.maxBody().bytes());
        metrics.gauge("lenstream_search_body_bytes", "", bodies::held);
        this.log = new AccessLog(config.accessLog());
        this.metrics = metrics;
        this.indexMissing = indexMissing;
    }

    /**
     * @param path with parts in braces for parameters, as {@code /v1/images/{id}}
     * @param type what is asked for, the label of the metrics
     */
    @CanIgnoreReturnValue
    public Route get(String path, String type, Consumer<Exchange> work) {
        return add(Method.GET, path, type, work);
    }

    /** As {@link #get}. */
    @CanIgnoreReturnValue
    public Route post(String path, String type, Consumer<Exchange> work) {
        return add(Method.POST, path, type, work);
    }

    /** As {@link #get}. */
    @CanIgnoreReturnValue
    public Route put(String path, String type, Consumer<Exchange> work) {
        return add(Method.PUT, path, type, work);
    }

    /** As {@link #get}. */
    @CanIgnoreReturnValue
    public Route delete(String path, String type, Consumer<Exchange> work) {
        return add(Method.DELETE, path, type, work);
    }

    private Route add(Method method, String path, String type, Consumer<Exchange> work) {
        var route = new Route(method, path, type, work);
        routes.add(route);
        return route;
    }

    @Override
    public void routing(HttpRules rules) {
        var paths = new LinkedHashMap<String, List<Route>>();
        for (Route route : routes) {
            rules.route(route.method, route.path, handler(route));
            if (route.method.equals(Method.GET)) {
                rules.route(Method.HEAD, route.path, handler(route)); // the exchange leaves the body out
            }
            paths.computeIfAbsent(route.path, path -> new ArrayList<>()).add(route);
        }
        for (Map.Entry<String, List<Route>> path : paths.entrySet()) {
            String methods = path.getValue().stream()
                    .flatMap(route ->
                            route.method.equals(Method.GET) ? Stream.of("GET", "HEAD") : Stream.of(route.method.text()))
                    .distinct()
                    .sorted()
                    .collect(Collectors.joining(", "));
            var other = new Route(Method.GET, path.getKey(), "other", exchange -> {
                exchange.set(HeaderNames.ALLOW, methods);
                throw ProblemException.methodNotAllowed("This address takes " + methods + ".");
            });
            rules.any(
                    path.getKey(),
                    handler(other.open().light().errors(path.getValue().getFirst().errors)));
        }
        rules.any(handler(new Route(Method.GET, "", "other", exchange -> {
                    throw ProblemException.notFound(
                            "There is nothing at this address; /openapi.json lists what there is.");
                })
                .open()
                .light()));
    }

    /**
     * A call that comes by another protocol and reads: the same tokens, rates and limits hold for it.
     *
     * @param authorization as in HTTP; empty for none
     * @param address of the client
     * @param deadline of the client, if that is earlier than the server's
     * @throws ProblemException if it is not let in, or the work throws it
     */
    public <T> T call(String type, String authorization, String address, Deadline deadline, Supplier<T> work) {
        int status = 200;
        try {
            String caller = guard.admit(authorization, Scope.READ);
            rate.take(caller.equals(Guard.ANYONE) ? address : "token " + caller, System.nanoTime());
            var answers = new ArrayList<T>(1);
            Deadline.after(config.requestTimeout())
                    .during(() -> deadline.during(() -> {
                        admission.pass(() -> "call " + type, () -> answers.add(work.get()));
                        return true;
                    }));
            return answers.getFirst();
        } catch (ProblemException e) {
            status = e.status();
            throw e;
        } catch (RuntimeException e) {
            status = 500;
            throw e;
        } finally {
            metrics.answered("grpc_" + type, status);
        }
    }

    private Handler handler(Route route) {
        return (request, response) -> {
            Trace trace = Trace.of(request.headers().first(TRACEPARENT).orElse(""));
            var exchange = new Exchange(route.type, request, response, config, metrics);
            exchange.set(TRACERESPONSE, trace.header());
            MDC.put(Trace.MDC_KEY, trace.header());
            try {
                ProblemException problem = attempt(exchange, route);
                if (problem != null) {
                    exchange.leaveBody();
                    route.errors.accept(exchange, problem);
                }
            } finally {
                exchange.forgetBody(bodies);
                exchange.drain();
                metrics.answered(exchange.type(), exchange.status());
                log.write(exchange, trace);
                MDC.remove(Trace.MDC_KEY);
            }
            exchange.endIfLeft();
        };
    }

    /** A holder of a token has a rate of its own, wherever it asks from; guesses of tokens count like requests. */
    private void admit(Exchange exchange, Route route) {
        long now = System.nanoTime();
        if (route.scope != null) {
            try {
                exchange.caller(guard.admit(exchange, route.scope));
            } catch (ProblemException e) {
                rate.take(exchange.address(), now);
                throw e;
            }
        }
        if (!route.light) {
            rate.take(exchange.hasToken() ? "token " + exchange.caller() : exchange.address(), now);
        }
    }

    /** Does the work; what it says when it cannot. */
    private @Nullable ProblemException attempt(Exchange exchange, Route route) {
        try {
            admit(exchange, route);
            if (route.index) {
                indexMissing.get().ifPresent(reason -> {
                    throw ProblemException.unavailable(reason);
                });
            }
            if (route.light) {
                route.work.accept(exchange);
            } else {
                if (exchange.hasBody()) {
                    admission.requireRoom();
                }
                exchange.receive(bodies);
                Deadline.after(config.requestTimeout()).during(() -> {
                    admission.pass(exchange::type, () -> route.work.accept(exchange));
                    return true;
                });
            }
            return null;
        } catch (ProblemException e) {
            return e;
        } catch (IndexUnavailableException e) {
            LOG.warn("event=index_unavailable type={} reason=\"{}\"", exchange.type(), e.getMessage());
            return ProblemException.unavailable(e.getMessage() + ".");
        } catch (UncheckedIOException | CloseConnectionException e) {
            throw e; // the client went away
        } catch (RuntimeException e) {
            LOG.error("event=request_failed type={}", exchange.type(), e);
            return ProblemException.internal();
        }
    }
}
