package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import lenstream.core.index.Cosine;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;

/**
 * Searches the index of one embedding space. Every search first ranks {@value #DEPTH} neighbours by id alone, then
 * fetches the documents of the page that was asked for: the depth is the same for every page, so that pages fit together.
 *
 * <p>Queries to the index are built from typed requests only. Thread-safe; blocking. Does not own its client.
 */
final class ImageSearch {
    /**
     * Neighbours that are ranked, and so the length of a result list: far more than people look at, and HNSW visits at
     * least as many nodes, so it costs time.
     */
    static final int DEPTH = 300;

    /** The constant of reciprocal rank fusion; source: Cormack, Clarke, Büttcher, SIGIR 2009. */
    private static final double RANK_CONSTANT = 60;

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final String imageIndex;
    private final String thumbnailIndex;
    private final Fingerprint fingerprint;
    private final int dim;

    /**
     * @param value by which the list is ordered, falling
     * @param cosine of the image and the query; NaN if the ranking does not know it
     * @param facets values of the fields that are counted
     */
    private record Ranked(String id, String group, double value, double cosine, Map<String, List<String>> facets) {}

    /**
     * A page of images with their cosines, best first.
     *
     * @param best cosine of the first hit of the first page; NaN if there is none or the ranking does not know it
     */
    record Page(
            int total,
            @Nullable String cursor,
            List<Found> found,
            double best,
            @Nullable Facets facets) {}

    /** An image that was found. {@code groupSize} counts among the neighbours that were ranked. */
    record Found(JsonNode source, double cosine, int groupSize) {}

    ImageSearch(IndexClient client, IndexLayout layout, Fingerprint fingerprint, int dim) {
        this.client = client;
        this.imageIndex = layout.imageIndex(fingerprint);
        this.thumbnailIndex = layout.thumbnailIndex();
        this.fingerprint = fingerprint;
        this.dim = dim;
    }

    /**
     * Images near a vector.
     *
     * @param vector unit length
     * @param request what else was asked for; of its query only the ids count, which are left out
     * @param score of a cosine, which {@code min_score} is held against
     */
    Page near(float[] vector, SearchRequest request, DoubleUnaryOperator score) {
        List<Ranked> ranking = neighbours(vector, request);
        if (request.minScore() > 0) {
            ranking.removeIf(ranked -> score.applyAsDouble(ranked.cosine()) < request.minScore());
        }
        return page(ranking, vector, request, key(vector, "", request));
    }

    /** Images whose words match a text; cosines are those of the text's vector. */
    Page matching(String text, float[] vector, SearchRequest request) {
        return page(matches(text, request), vector, request, key(vector, text, request));
    }

    /** Images that are near a text's vector or whose words match it, fused by reciprocal rank. */
    Page hybrid(String text, float[] vector, SearchRequest request) {
        List<Ranked> fused = fuse(neighbours(vector, request), matches(text, request));
        return page(fused, vector, request, key(vector, text, request));
    }

    /** The newest images. */
    List<JsonNode> newest(int count) {
        ObjectNode body = JSON.objectNode().put("size", count);
        withoutVectors(body);
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put(Field.INDEXED, "desc");
        sort.addObject().put(Field.ID, "asc");
        var sources = new ArrayList<JsonNode>();
        search(body).at("/hits/hits").forEach(hit -> sources.add(hit.path("_source")));
        return sources;
    }

    /** An image's document without its vector. */
    Optional<JsonNode> image(String id) {
        return document(imageIndex, id, "_source_excludes=" + Field.EMBEDDING);
    }

    /** An image's stored vector. */
    Optional<float[]> vector(String id) {
        return document(imageIndex, id, "_source_includes=" + Field.EMBEDDING)
                .map(source -> floats(source.path(Field.EMBEDDING)));
    }

    /** An image's thumbnail, a JPEG. */
    Optional<byte[]> thumbnail(String id) {
        return document(thumbnailIndex, id, "_source_includes=" + Field.JPEG)
                .map(source ->
                        Base64.getDecoder().decode(source.path(Field.JPEG).asText()));
    }

    private Page page(List<Ranked> ranking, float[] vector, SearchRequest request, int key) {
        Cursor from = request.cursor() == null ? null : Cursor.parse(request.cursor(), key);
        List<String> without = request.query().ids();
        var sizes = new HashMap<String, Integer>();
        var heads = new LinkedHashMap<String, Ranked>(); // the best of each group, in order
        for (Ranked ranked : ranking) {
            if (!without.contains(ranked.id())) {
                sizes.merge(ranked.group(), 1, Integer::sum);
                heads.putIfAbsent(request.collapse() ? ranked.group() : ranked.id(), ranked);
            }
        }
        List<Ranked> behind = heads.values().stream()
                .filter(ranked -> from == null || from.isBefore(ranked.value(), ranked.id()))
                .toList();
        List<Ranked> wanted = behind.subList(0, Math.min(request.k(), behind.size()));
        boolean cosinesKnown = wanted.stream().noneMatch(ranked -> Double.isNaN(ranked.cosine()));
        Map<String, JsonNode> sources = fetch(wanted, !cosinesKnown);
        var found = new ArrayList<Found>(wanted.size());
        for (Ranked ranked : wanted) {
            JsonNode source = sources.get(ranked.id()); // absent if it was deleted meanwhile
            if (source != null) {
                double cosine =
                        cosinesKnown ? ranked.cosine() : Cosine.dot(floats(source.path(Field.EMBEDDING)), vector);
                found.add(new Found(source, cosine, sizes.getOrDefault(ranked.group(), 1)));
            }
        }
        Ranked last = wanted.isEmpty() ? null : wanted.getLast();
        String next =
                last == null || wanted.size() == behind.size() ? null : new Cursor(key, last.value(), last.id()).text();
        double best =
                heads.isEmpty() ? Double.NaN : heads.firstEntry().getValue().cosine();
        Facets facets = request.facets().isEmpty()
                ? null
                : Facets.count(
                        request.facets(),
                        heads.values().stream().map(Ranked::facets).toList());
        return new Page(heads.size(), next, found, best, facets);
    }

    /** The nearest neighbours by falling cosine, then by id. */
    private List<Ranked> neighbours(float[] vector, SearchRequest request) {
        ObjectNode body = rankBody(request.facets());
        ObjectNode knn = body.putObject("query").putObject("knn").putObject(Field.EMBEDDING);
        ArrayNode values = knn.putArray("vector");
        for (float value : vector) {
            values.add(value);
        }
        knn.put("k", DEPTH);
        if (!request.filter().isEmpty()) {
            knn.set("filter", request.filter().query());
        }
        var ranking = new ArrayList<Ranked>(DEPTH);
        for (JsonNode hit : search(body).at("/hits/hits")) {
            double score = hit.path("sort").path(0).asDouble();
            ranking.add(new Ranked(hit.path("_id").asText(), group(hit), score, Cosine.ofScore(score), facets(hit)));
        }
        return ranking;
    }

    /** Images whose words match, by falling BM25 score, then by id. */
    private List<Ranked> matches(String text, SearchRequest request) {
        ObjectNode body = rankBody(request.facets());
        ObjectNode bool = body.putObject("query").putObject("bool");
        ObjectNode match = bool.putArray("must").addObject().putObject("multi_match");
        match.put("query", text);
        match.putArray("fields")
                .add(Field.TITLE + "^2")
                .add(Field.ALT + "^2")
                .add(Field.CAPTION)
                .add(Field.CREDIT);
        request.filter().addTo(bool.putArray("filter"));
        var ranking = new ArrayList<Ranked>();
        for (JsonNode hit : search(body).at("/hits/hits")) {
            ranking.add(new Ranked(
                    hit.path("_id").asText(),
                    group(hit),
                    hit.path("sort").path(0).asDouble(),
                    Double.NaN,
                    facets(hit)));
        }
        return ranking;
    }

    private static List<Ranked> fuse(List<Ranked> first, List<Ranked> second) {
        var fused = new HashMap<String, Ranked>();
        for (List<Ranked> ranking : List.of(first, second)) {
            for (int i = 0; i < ranking.size(); i++) {
                Ranked ranked = ranking.get(i);
                double share = 1 / (RANK_CONSTANT + i + 1);
                fused.merge(
                        ranked.id(),
                        new Ranked(ranked.id(), ranked.group(), share, ranked.cosine(), ranked.facets()),
                        (a, b) -> new Ranked(a.id(), a.group(), a.value() + b.value(), a.cosine(), a.facets()));
            }
        }
        return fused.values().stream()
                .sorted(Comparator.comparingDouble(Ranked::value).reversed().thenComparing(Ranked::id))
                .limit(DEPTH)
                .toList();
    }

    private static ObjectNode rankBody(List<String> facets) {
        ObjectNode body =
                JSON.objectNode().put("size", DEPTH).put("_source", false).put("track_total_hits", false);
        ArrayNode values = body.putArray("docvalue_fields").add(Field.GROUP_ID);
        facets.forEach(values::add);
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put("_score", "desc");
        sort.addObject().put(Field.ID, "asc");
        return body;
    }

    private static String group(JsonNode hit) {
        return hit.path("fields").path(Field.GROUP_ID).path(0).asText();
    }

    /** The values of each field that was asked for. */
    private static Map<String, List<String>> facets(JsonNode hit) {
        var values = new HashMap<String, List<String>>();
        for (String field : Facets.FIELDS) {
            JsonNode found = hit.path("fields").path(field);
            if (found.isArray()) {
                values.put(field, found.valueStream().map(JsonNode::asText).toList());
            }
        }
        return values;
    }

    private Map<String, JsonNode> fetch(List<Ranked> wanted, boolean withVectors) {
        if (wanted.isEmpty()) {
            return Map.of();
        }
        ObjectNode body = JSON.objectNode().put("size", wanted.size()).put("track_total_hits", false);
        if (!withVectors) {
            withoutVectors(body);
        }
        ArrayNode ids = body.putObject("query").putObject("ids").putArray("values");
        wanted.forEach(ranked -> ids.add(ranked.id()));
        var sources = new HashMap<String, JsonNode>();
        search(body).at("/hits/hits").forEach(hit -> sources.put(hit.path("_id").asText(), hit.path("_source")));
        return sources;
    }

    private static void withoutVectors(ObjectNode body) {
        body.putObject("_source").putArray("excludes").add(Field.EMBEDDING);
    }

    private JsonNode search(ObjectNode body) {
        return require(client.send("POST", "/" + imageIndex + "/_search", body));
    }

    private Optional<JsonNode> document(String index, String id, String fields) {
        String path = "/" + index + "/_doc/" + URLEncoder.encode(id, StandardCharsets.UTF_8) + "?" + fields;
        IndexAnswer answer = client.send("GET", path, null);
        if (answer.status() == 404 && answer.errorType().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(require(answer).path("_source"));
    }

    private static JsonNode require(IndexAnswer answer) {
        if (answer.ok()) {
            return answer.json();
        }
        if (answer.status() == 404 || answer.status() == 429 || answer.status() >= 502) {
            throw new IndexUnavailableException("the index does not answer now (" + answer.status() + " "
                    + answer.errorType() + "); try again in a moment");
        }
        throw new IndexException("OpenSearch refused a query (" + answer.status() + "): " + answer.text());
    }

    private float[] floats(JsonNode array) {
        if (array.size() != dim) {
            throw new IndexException("a stored vector has " + array.size() + " values, not " + dim);
        }
        var values = new float[dim];
        for (int i = 0; i < dim; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    private int key(float[] vector, String text, SearchRequest request) {
        int hash = fingerprint.hashCode();
        for (float value : vector) {
            hash = 31 * hash + Float.hashCode(value);
        }
        hash = 31 * hash + text.hashCode();
        hash = 31 * hash + request.filter().toString().hashCode();
        hash = 31 * hash + Boolean.hashCode(request.collapse());
        hash = 31 * hash + Double.hashCode(request.minScore());
        hash = 31 * hash + request.query().ids().hashCode();
        return 31 * hash + request.mode().name().hashCode();
    }
}
