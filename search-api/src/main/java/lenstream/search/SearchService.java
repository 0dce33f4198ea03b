package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexUnavailableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The routes. Each request runs on a virtual thread of its own; thread-safe. Errors are RFC 9457 problems, except those
 * of {@code /v1/embeddings} and {@code /v1/models}, which have OpenAI's shape, and of {@code /v2}.
 */
final class SearchService implements HttpService {
    private static final Logger LOG = LoggerFactory.getLogger(SearchService.class);
    private static final String JPEG = "image/jpeg";
    private static final long PATIENCE_MILLIS = 1_000;

    /** Unit vectors of 32-bit floats that cancel out leave no more than their rounding: 2^-24 a value. */
    private static final double ZERO_LENGTH = 1e-6;

    private final ActiveSpace spaces;
    private final IndexWatch watch;
    private final SearchMetrics metrics = new SearchMetrics();
    private final UiFiles ui = UiFiles.load();
    private final byte[] openApi = resource("/openapi.json");
    private final int maxBody;
    private final Semaphore permits;

    /** A route that knows its paths: the other methods of a path get a 405 that names these. */
    private record Route(String path, String methods) {}

    private static final List<Route> ROUTES = List.of(
            new Route("/", "GET"),
            new Route("/ui/{file}", "GET"),
            new Route("/v1/search", "GET, POST"),
            new Route("/v1/images", "GET"),
            new Route("/v1/images/{id}", "GET"),
            new Route("/v1/images/{id}/similar", "GET"),
            new Route("/v1/images/{id}/thumbnail", "GET"),
            new Route("/v1/embeddings", "POST"),
            new Route("/v1/models", "GET"),
            new Route("/health/live", "GET"),
            new Route("/health/ready", "GET"),
            new Route("/metrics", "GET"),
            new Route("/openapi.json", "GET"),
            new Route("/v2", "GET"),
            new Route("/v2/health/live", "GET"),
            new Route("/v2/health/ready", "GET"),
            new Route("/v2/models/{m}", "GET"),
            new Route("/v2/models/{m}/ready", "GET"),
            new Route("/v2/models/{m}/infer", "POST"),
            new Route("/v2/models/{m}/versions/{v}", "GET"),
            new Route("/v2/models/{m}/versions/{v}/ready", "GET"),
            new Route("/v2/models/{m}/versions/{v}/infer", "POST"));

    SearchService(SearchConfig config, ActiveSpace spaces, IndexWatch watch) {
        this.spaces = spaces;
        this.watch = watch;
        this.maxBody = Math.toIntExact(config.maxBody().bytes());
        this.permits = new Semaphore(config.maxConcurrent());
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/", plain("page", exchange -> page(exchange, "index.html")));
        rules.get("/ui/{file}", plain("page", exchange -> page(exchange, exchange.pathParameter("file"))));
        rules.get("/v1/search", working("text", this::searchByParameters));
        rules.post("/v1/search", working("search", this::searchByBody));
        rules.get("/v1/images", working("newest", this::newest));
        rules.get("/v1/images/{id}", working("image", this::image));
        rules.get("/v1/images/{id}/similar", working("similar", this::similar));
        rules.get("/v1/images/{id}/thumbnail", working("thumbnail", this::thumbnail));
        rules.post(
                "/v1/embeddings",
                route(
                        "embeddings",
                        EmbeddingsRoute::sendError,
                        limited(within((exchange, space) -> space.embeddings().embed(exchange)))));
        rules.get(
                "/v1/models",
                route(
                        "models",
                        EmbeddingsRoute::sendError,
                        within((exchange, space) -> space.embeddings().models(exchange))));
        rules.get("/health/live", plain("health", exchange -> exchange.sendJson(Map.of("status", "live"))));
        rules.get("/health/ready", plain("health", this::ready));
        rules.get("/metrics", plain("metrics", this::metrics));
        rules.get("/openapi.json", plain("openapi", exchange -> exchange.send(200, "application/json", openApi)));
        rules.get(
                "/v2",
                inference(
                        "inference",
                        within((exchange, space) -> space.inference().server(exchange))));
        rules.get(
                "/v2/health/live",
                inference(
                        "health", within((exchange, space) -> space.inference().live(exchange))));
        rules.get(
                "/v2/health/ready",
                inference(
                        "health", within((exchange, space) -> space.inference().ready(exchange))));
        for (String model : List.of("/v2/models/{m}", "/v2/models/{m}/versions/{v}")) {
            rules.get(
                    model,
                    inference(
                            "inference",
                            within((exchange, space) -> space.inference().model(exchange))));
            rules.get(
                    model + "/ready",
                    inference(
                            "inference",
                            within((exchange, space) -> space.inference().modelReady(exchange))));
            rules.post(
                    model + "/infer",
                    inference(
                            "inference",
                            limited(within(
                                    (exchange, space) -> space.inference().infer(exchange)))));
        }
        for (Route known : ROUTES) {
            rules.any(known.path(), plain("other", exchange -> {
                exchange.set(HeaderNames.ALLOW, known.methods());
                throw ProblemException.methodNotAllowed("This address takes " + known.methods() + ".");
            }));
        }
        rules.any(plain("other", exchange -> {
            throw ProblemException.notFound("There is nothing at this address; /openapi.json lists what there is.");
        }));
    }

    private void searchByParameters(Exchange exchange, SearchSpace space) {
        answer(exchange, space, RequestReader.ofParameters(exchange.parameters()));
    }

    private void searchByBody(Exchange exchange, SearchSpace space) {
        String type = exchange.mediaType();
        SearchRequest request = switch (type) {
            case "application/json" -> {
                if (!exchange.parameters().isEmpty()) {
                    throw ProblemException.badRequest(
                            "A JSON search takes everything from its body: move " + "the query parameters there.");
                }
                yield RequestReader.ofJson(exchange.body());
            }
            case "multipart/form-data" ->
                RequestReader.ofImage(new Query.Image(part(exchange, "image")), exchange.parameters());
            default -> {
                if (!type.startsWith("image/") && !type.equals("application/octet-stream")) {
                    throw ProblemException.notAnImage(
                            "Send JSON (application/json), a form (multipart/form-data) with a part named image,"
                                    + " or an image with its own Content-Type.");
                }
                yield RequestReader.ofImage(new Query.Image(exchange.body()), exchange.parameters());
            }
        };
        answer(exchange, space, request);
    }

    private static byte[] part(Exchange exchange, String name) {
        String contentType = exchange.header(HeaderNames.CONTENT_TYPE).orElse("");
        byte[] part = Multipart.parts(contentType, exchange.body()).get(name);
        if (part == null) {
            throw ProblemException.badRequest("The form has no part named " + name + ".");
        }
        return part;
    }

    private void similar(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        answer(exchange, space, RequestReader.ofImage(new Query.Id(id), exchange.parameters()));
    }

    private void answer(Exchange exchange, SearchSpace space, SearchRequest request) {
        requireSpace(space, request.fingerprint());
        exchange.type(typeOf(request.query()));
        long start = System.nanoTime();
        boolean stored = request.query() instanceof Query.Id && request.region() == null;
        float[] vector = vector(space, request.query(), request.region());
        long embedded = System.nanoTime();
        if (!stored) {
            exchange.took(SearchMetrics.Stage.EMBED, embedded - start);
        }
        Calibration calibration = space.calibration();
        ImageSearch search = space.search();
        boolean words = request.query().ofWords();
        DoubleUnaryOperator score = words ? calibration::ofText : calibration::ofImage;
        String text = request.query() instanceof Query.Text(String asked) ? asked : "";
        ImageSearch.Page page = switch (request.mode()) {
            case VECTOR -> search.near(vector, request, score);
            case TEXT -> search.matching(text, vector, request);
            case HYBRID -> search.hybrid(text, vector, request);
        };
        exchange.took(SearchMetrics.Stage.INDEX, System.nanoTime() - (stored ? start : embedded));
        List<Hit> hits = page.found().stream()
                .map(found ->
                        Hit.of(found.source(), found.cosine(), score.applyAsDouble(found.cosine()), found.groupSize()))
                .toList();
        exchange.took(SearchMetrics.Stage.TOTAL, exchange.elapsedNanos());
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        boolean known = request.query() instanceof Query.Text && request.mode() == SearchRequest.Mode.VECTOR;
        Double floor = known && calibration.floor().isPresent()
                ? Math.round(calibration.floor().getAsDouble() * 1e6) / 1e6
                : null;
        Boolean nothing = floor == null ? null : !(score.applyAsDouble(page.best()) >= floor); // NaN: no hit at all
        exchange.sendJson(new SearchAnswer(
                exchange.elapsedMillis(),
                space.fingerprint().value(),
                page.total(),
                page.cursor(),
                floor,
                nothing,
                page.facets(),
                hits));
    }

    private float[] vector(SearchSpace space, Query query, @Nullable Region region) {
        QueryEmbedding embedding = space.embedding();
        return switch (query) {
            case Query.Text(String text) -> embedding.ofText(text);
            case Query.Image(byte[] encoded) -> embedding.ofImage(encoded, region);
            case Query.ImageUrl(String url) -> embedding.ofImageUrl(url, region);
            case Query.Vector(float[] values) ->
                RequestReader.unit(values, space.encoder().dim());
            case Query.Id(String id) ->
                region == null ? space.search().vector(id).orElseThrow(() -> noImage(id)) : partOf(space, id, region);
            case Query.Weighted(List<Query.Part> parts) -> sum(space, parts);
        };
    }

    /** The direction of the weighted sum of the parts' unit vectors. */
    private float[] sum(SearchSpace space, List<Query.Part> parts) {
        var sum = new double[space.encoder().dim()];
        for (Query.Part part : parts) {
            float[] unit = vector(space, part.query(), part.region());
            for (int i = 0; i < sum.length; i++) {
                sum[i] += part.weight() * unit[i];
            }
        }
        double square = 0;
        for (double value : sum) {
            square += value * value;
        }
        double length = Math.sqrt(square);
        if (length < ZERO_LENGTH) {
            throw ProblemException.impossible(
                    "The queries cancel each other out: no direction is left to search in. Change a weight or a query.");
        }
        var direction = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            direction[i] = (float) (sum[i] / length);
        }
        return direction;
    }

    /** The vector of a part of a stored image, from its thumbnail: the original may be gone or not be ours to fetch. */
    private float[] partOf(SearchSpace space, String id, Region region) {
        JsonNode image = space.search().image(id).orElseThrow(() -> noImage(id));
        byte[] jpeg = space.search().thumbnail(id).orElseThrow(() -> noImage(id));
        int width = image.path(Field.WIDTH).asInt();
        int height = image.path(Field.HEIGHT).asInt();
        return space.embedding().ofThumbnail(jpeg, region, width, height);
    }

    private static String typeOf(Query query) {
        return switch (query) {
            case Query.Text q -> "text";
            case Query.Image q -> "image";
            case Query.ImageUrl q -> "image_url";
            case Query.Vector q -> "vector";
            case Query.Id q -> "similar";
            case Query.Weighted q -> "weighted";
        };
    }

    private void newest(Exchange exchange, SearchSpace space) {
        int count = RequestReader.count(exchange.parameters());
        List<Hit> hits = space.search().newest(count).stream().map(Hit::of).toList();
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        exchange.sendJson(new SearchAnswer(
                exchange.elapsedMillis(), space.fingerprint().value(), hits.size(), null, null, null, null, hits));
    }

    private void image(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        exchange.sendJson(Hit.of(space.search().image(id).orElseThrow(() -> noImage(id))));
    }

    private void thumbnail(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        byte[] jpeg = space.search().thumbnail(id).orElseThrow(() -> noImage(id));
        String etag = "\"" + ImageId.sha256(jpeg).substring(0, 16) + "\"";
        exchange.set(HeaderNames.ETAG, etag).set(HeaderNames.CACHE_CONTROL, "public, max-age=300");
        if (exchange.holds(etag)) {
            exchange.sendEmpty(304);
        } else {
            exchange.send(200, JPEG, jpeg);
        }
    }

    private void page(Exchange exchange, String name) {
        UiFiles.UiFile file = ui.file(name)
                .orElseThrow(() -> ProblemException.notFound("The page has no file of this name; it begins at /."));
        exchange.set(HeaderNames.ETAG, file.etag()).set(HeaderNames.CACHE_CONTROL, "no-cache");
        if (exchange.holds(file.etag())) {
            exchange.sendEmpty(304);
        } else {
            exchange.send(200, file.type(), file.bytes());
        }
    }

    private void ready(Exchange exchange) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        switch (watch.state()) {
            case IndexWatch.Ready ready -> {
                answer.put("status", "ready")
                        .put("fingerprint", spaces.current().fingerprint().value())
                        .put("documents", ready.documents());
                exchange.sendJson(answer);
            }
            case IndexWatch.Waiting waiting -> throw ProblemException.unavailable(waiting.reason());
        }
    }

    private void metrics(Exchange exchange) {
        boolean ready = watch.state() instanceof IndexWatch.Ready;
        long documents = watch.state() instanceof IndexWatch.Ready(long count) ? count : 0;
        SearchSpace space = spaces.current();
        String text = metrics.text(space.fingerprint().value(), ready, documents, space.cache());
        exchange.send(200, "text/plain; version=0.0.4; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    private static ProblemException noImage(String id) {
        return ProblemException.notFound("There is no image " + id + " in the index; it may have been removed.");
    }

    /** A route that needs nothing but this process. */
    private Handler plain(String type, Consumer<Exchange> work) {
        return route(type, Exchange::sendProblem, work);
    }

    /** A route of the Open Inference Protocol: it needs the encoder only, and has errors of its own. */
    private Handler inference(String type, Consumer<Exchange> work) {
        return route(type, InferenceRoute::sendError, work);
    }

    /** A route that needs the index. */
    private Handler working(String type, BiConsumer<Exchange, SearchSpace> work) {
        return route(type, Exchange::sendProblem, limited(exchange -> {
            if (watch.state() instanceof IndexWatch.Waiting(String reason)) {
                throw ProblemException.unavailable(reason);
            }
            within(work).accept(exchange);
        }));
    }

    /** One embedding space from the request's beginning to its end. */
    private Consumer<Exchange> within(BiConsumer<Exchange, SearchSpace> work) {
        return exchange -> {
            SearchSpace space = spaces.hold();
            try {
                work.accept(exchange, space);
            } finally {
                space.release();
            }
        };
    }

    /** A client whose vectors or expectations belong to another space learns it before it misreads an answer. */
    private static void requireSpace(SearchSpace space, @Nullable String wanted) {
        if (wanted != null && !wanted.equals(space.fingerprint().value())) {
            throw ProblemException.conflict("This index is searched with encoder " + space.fingerprint()
                    + ", the request is for " + wanted + ": embed the query anew (POST /v1/embeddings, or send the text"
                    + " or image itself) and name the new fingerprint, or none.");
        }
    }

    /** At most so many at once; a short queue smooths bursts, more would only make everyone wait. */
    private Consumer<Exchange> limited(Consumer<Exchange> work) {
        return exchange -> {
            try {
                if (!permits.tryAcquire(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw ProblemException.busy("The server is busy: try again in a second.");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw ProblemException.unavailable("The server is stopping.");
            }
            try {
                work.accept(exchange);
            } finally {
                permits.release();
            }
        };
    }

    private Handler route(String type, BiConsumer<Exchange, ProblemException> onProblem, Consumer<Exchange> work) {
        return (request, response) -> {
            var exchange = new Exchange(type, request, response, maxBody, metrics);
            ProblemException problem = attempt(exchange, work);
            if (problem != null) {
                onProblem.accept(exchange, problem);
            }
            metrics.answered(exchange.type(), exchange.status());
        };
    }

    /** Does the work; what it says when it cannot. */
    private static @Nullable ProblemException attempt(Exchange exchange, Consumer<Exchange> work) {
        try {
            work.accept(exchange);
            return null;
        } catch (ProblemException e) {
            return e;
        } catch (IndexUnavailableException e) {
            LOG.warn("event=index_unavailable type={} reason=\"{}\"", exchange.type(), e.getMessage());
            return ProblemException.unavailable(e.getMessage() + ".");
        } catch (UncheckedIOException | ServerConnectionException e) {
            throw e; // the client went away
        } catch (RuntimeException e) {
            LOG.error("event=request_failed type={}", exchange.type(), e);
            return ProblemException.internal();
        }
    }

    private static byte[] resource(String name) {
        try (InputStream in = SearchService.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the file " + name + " is not on the class path");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
