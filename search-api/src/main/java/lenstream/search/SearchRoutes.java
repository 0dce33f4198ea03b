package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.http.HeaderNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import lenstream.core.index.Field;
import lenstream.core.model.Relevance;
import lenstream.search.http.Exchange;
import lenstream.search.http.Multipart;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Stage;
import org.jspecify.annotations.Nullable;

/** Searches by words, pictures, vectors and several of these: {@code /v1/search} and {@code similar}. Thread-safe. */
final class SearchRoutes implements Routes {
    /** Unit vectors of 32-bit floats that cancel out leave no more than their rounding: 2^-24 a value. */
    private static final double ZERO_LENGTH = 1e-6;

    /** An image with at least this score for a label has it: it is as likely right as wrong, among ten with one right. */
    private static final double LABEL_SCORE = 0.5;

    private final ActiveSpace spaces;
    private final LongSupplier documents;

    /** @param documents of the index that is searched */
    SearchRoutes(ActiveSpace spaces, LongSupplier documents) {
        this.spaces = spaces;
        this.documents = documents;
    }

    @Override
    public void register(RouteTable table) {
        table.get("/v1/search", "text", spaces.within(this::searchByParameters)).needsIndex();
        table.post("/v1/search", "search", spaces.within(this::searchByBody)).needsIndex();
        table.get("/v1/images/{id}/similar", "similar", spaces.within(this::similar))
                .needsIndex();
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
                            "A JSON search takes everything from its body: move the query parameters there.");
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

    private void answer(Exchange exchange, SearchSpace space, SearchRequest wanted) {
        requireSpace(space, wanted.fingerprint());
        exchange.type(typeOf(wanted.query()));
        long start = System.nanoTime();
        SearchRequest request = wanted.filter().labels().isEmpty() ? wanted : wanted.among(labelled(space, wanted));
        boolean stored = request.query() instanceof Query.Id && request.region() == null;
        Direction direction = direction(space, request.query(), request.region());
        long embedded = System.nanoTime();
        if (!stored) {
            exchange.took(Stage.EMBED, embedded - start);
        }
        boolean words = request.query().ofWords();
        Relevance relevance = space.relevance();
        DoubleUnaryOperator score = words ? relevance::ofText : relevance::ofImage;
        String text = request.query() instanceof Query.Text(String asked) ? asked : "";
        ImageSearch search = space.search();
        Double leastCosine = leastCosine(request.ranking(), relevance, words);
        int nearest = text.isEmpty() ? 0 : relevance.nearest();
        ImageSearch.Page page = switch (request.mode()) {
            case VECTOR -> search.near(direction, request, leastCosine, nearest);
            case TEXT -> search.matching(text, direction, request);
            case HYBRID -> search.hybrid(text, direction, request);
        };
        Map<String, GroupSummary> groups = request.collapse() ? search.groups(severalImages(page)) : Map.of();
        exchange.took(Stage.INDEX, System.nanoTime() - (stored ? start : embedded));
        List<Hit> hits = page.found().stream()
                .map(found -> Hit.of(
                        found.source(),
                        found.cosine(),
                        score.applyAsDouble(found.cosine()),
                        found.groupSize(),
                        groups.get(found.groupId()),
                        request.explain() ? search.why(found, direction) : null))
                .toList();
        exchange.took(Stage.TOTAL, exchange.elapsedNanos());
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        OptionalDouble least = floor(relevance, direction, request, page);
        Double floor = least.isPresent() ? Math.round(least.getAsDouble() * 1e6) / 1e6 : null;
        Boolean nothing = floor == null ? null : !(score.applyAsDouble(page.best()) >= floor); // NaN: no hit at all
        if (request.mode() == SearchRequest.Mode.TEXT) {
            nothing = page.total() == 0;
        }
        exchange.sendJson(new SearchAnswer(
                exchange.elapsedMillis(),
                space.fingerprint().value(),
                page.total(),
                page.cursor(),
                floor,
                nothing,
                leastCosine == null ? null : page.complete(),
                page.facets(),
                hits));
    }

    /** The score that it takes to match; empty where several queries are mixed, words decide the order, or nobody measured it. */
    private OptionalDouble floor(
            Relevance relevance, Direction direction, SearchRequest request, ImageSearch.Page page) {
        if (request.mode() != SearchRequest.Mode.VECTOR) {
            return OptionalDouble.empty();
        }
        return switch (request.query()) {
            case Query.Text text ->
                relevance.floor(direction.vector(), page.nearest(), searched(request, page.total()));
            case Query.Image image -> relevance.floorOfImage(searched(request, page.total()));
            case Query.ImageUrl url -> relevance.floorOfImage(searched(request, page.total()));
            case Query.Id id -> relevance.floorOfImage(searched(request, page.total()));
            case Query.Vector vector -> OptionalDouble.empty(); // of words or of a picture: it does not say
            case Query.Weighted weighted -> OptionalDouble.empty();
        };
    }

    /** Filters by labels: what scores high enough for one of them has it. */
    private static Filter labelled(SearchSpace space, SearchRequest request) {
        List<String> labels = request.filter().labels();
        if (space.relevance().source() == Relevance.Source.NONE
                && !labels.stream().allMatch(Filter::isRegion)) {
            throw ProblemException.impossible("filter.label needs an encoder whose cosines were measured: run"
                    + " ./lenstream calibrate on its bundle, then start the server anew.");
        }
        double least = space.relevance().cosineOfText(LABEL_SCORE);
        return request.filter()
                .withLabels(labels.stream()
                        .map(label -> Filter.isRegion(label)
                                ? Filter.region(label)
                                : space.search().like(space.embedding().ofText(label), least))
                        .toList());
    }

    /** Images that were searched. How many pass a filter is known only where they are few enough to be listed. */
    private long searched(SearchRequest request, int total) {
        boolean allListed = total < ImageSearch.DEPTH && !request.filter().isEmpty();
        return allListed ? Math.max(1, total) : documents.getAsLong();
    }

    /** Groups of hits that stand for more images than themselves; most pages have none, and ask for none. */
    private static Set<String> severalImages(ImageSearch.Page page) {
        return page.found().stream()
                .filter(found -> found.groupSize() > 1)
                .map(ImageSearch.Found::groupId)
                .collect(Collectors.toSet());
    }

    /** The cosine that hits must have; null if nothing is asked of it. */
    private static @Nullable Double leastCosine(SearchRequest.Ranking ranking, Relevance relevance, boolean words) {
        Double asked = ranking.minCosine();
        if (ranking.minScore() == 0) {
            return asked;
        }
        double cosine =
                words ? relevance.cosineOfText(ranking.minScore()) : relevance.cosineOfImage(ranking.minScore());
        return asked == null ? Double.valueOf(cosine) : Double.valueOf(Math.max(cosine, asked));
    }

    /** Where a query leads in a space. */
    static Direction direction(SearchSpace space, Query query, @Nullable Region region) {
        return query instanceof Query.Weighted(List<Query.Part> parts)
                ? sum(space, parts)
                : Direction.of(vector(space, query, region));
    }

    private static float[] vector(SearchSpace space, Query query, @Nullable Region region) {
        QueryEmbedding embedding = space.embedding();
        return switch (query) {
            case Query.Text(String text) -> embedding.ofText(text);
            case Query.Image(byte[] encoded) -> embedding.ofImage(encoded, region);
            case Query.ImageUrl(String url) -> embedding.ofImageUrl(url, region);
            case Query.Vector(float[] values) ->
                RequestReader.unit(values, space.encoder().dim());
            case Query.Id(String id) ->
                region == null
                        ? space.search().vector(id).orElseThrow(() -> ImageRoutes.noImage(id))
                        : partOf(space, id, region);
            case Query.Weighted(List<Query.Part> parts) -> sum(space, parts).vector();
        };
    }

    /** The direction of the weighted sum of the parts' unit vectors. */
    private static Direction sum(SearchSpace space, List<Query.Part> parts) {
        var sum = new double[space.encoder().dim()];
        var units = new ArrayList<Direction.Part>();
        for (Query.Part part : parts) {
            float[] unit = vector(space, part.query(), part.region());
            units.add(new Direction.Part(label(part.query()), part.weight(), unit));
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
                    "The queries cancel each other out: no direction is left to search in. Change a weight or a"
                            + " query.");
        }
        var direction = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            direction[i] = (float) (sum[i] / length);
        }
        return new Direction(direction, length, units);
    }

    /** How an explanation names a query. */
    private static String label(Query query) {
        return switch (query) {
            case Query.Text(String text) -> text;
            case Query.ImageUrl(String url) -> url;
            case Query.Id(String id) -> "image " + id;
            case Query.Image image -> "the image sent";
            case Query.Vector vector -> "the vector sent";
            case Query.Weighted weighted -> "several queries";
        };
    }

    /** The vector of a part of a stored image, from its thumbnail: the original may be gone or not be ours to fetch. */
    private static float[] partOf(SearchSpace space, String id, Region region) {
        JsonNode image = space.search().image(id).orElseThrow(() -> ImageRoutes.noImage(id));
        byte[] jpeg = space.search().thumbnail(id).orElseThrow(() -> ImageRoutes.noImage(id));
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

    /** A client whose vectors or expectations belong to another space learns it before it misreads an answer. */
    static void requireSpace(SearchSpace space, @Nullable String wanted) {
        if (wanted != null && !wanted.equals(space.fingerprint().value())) {
            throw ProblemException.conflict(
                    "Another embedding space",
                    "This index is searched with encoder " + space.fingerprint()
                            + ", the request is for " + wanted
                            + ": embed the query anew (POST /v1/embeddings, or send the text"
                            + " or image itself) and name the new fingerprint, or none.");
        }
    }
}
