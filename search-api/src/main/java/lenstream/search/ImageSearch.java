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
     */
    private record Ranked(String id, String group, double value, double cosine) {}

    /** A page of images with their cosines, best first. */
    record Page(int total, @Nullable String cursor, List<Found> found) {}

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
     * @param without id that is left out; null for none
     * @param request what else was asked for; its query is not looked at
     */
    Page near(float[] vector, @Nullable String without, SearchRequest request) {
        int key = key(vector, "", request);
        return page(neighbours(vector, request.filter()), vector, without, request, key);
    }

    /** Images whose words match a text; cosines are those of the text's vector. */
    Page matching(String text, float[] vector, SearchRequest request) {
        return page(matches(text, request.filter()), vector, null, request, key(vector, text, request));
    }

    /** Images that are near a text's vector or whose words match it, fused by reciprocal rank. */
    Page hybrid(String text, float[] vector, SearchRequest request) {
        List<Ranked> fused = fuse(neighbours(vector, request.filter()), matches(text, request.filter()));
        return page(fused, vector, null, request, key(vector, text, request));
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

    private Page page(List<Ranked> ranking, float[] vector, @Nullable String without, SearchRequest request, int key) {
        Cursor from = request.cursor() == null ? null : Cursor.parse(request.cursor(), key);
        var sizes = new HashMap<String, Integer>();
        var heads = new LinkedHashMap<String, Ranked>(); // the best of each group, in order
        for (Ranked ranked : ranking) {
            if (!ranked.id().equals(without)) {
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
        return new Page(heads.size(), next, found);
    }

    /** The nearest neighbours by falling cosine, then by id. */
    private List<Ranked> neighbours(float[] vector, Filter filter) {
        ObjectNode body = rankBody();
        ObjectNode knn = body.putObject("query").putObject("knn").putObject(Field.EMBEDDING);
        ArrayNode values = knn.putArray("vector");
        for (float value : vector) {
            values.add(value);
        }
        knn.put("k", DEPTH);
        if (!filter.isEmpty()) {
            knn.set("filter", filter.query());
        }
        var ranking = new ArrayList<Ranked>(DEPTH);
        for (JsonNode hit : search(body).at("/hits/hits")) {
            double score = hit.path("sort").path(0).asDouble();
            ranking.add(new Ranked(hit.path("_id").asText(), group(hit), score, Cosine.ofScore(score)));
        }
        return ranking;
    }

    /** Images whose words match, by falling BM25 score, then by id. */
    private List<Ranked> matches(String text, Filter filter) {
        ObjectNode body = rankBody();
        ObjectNode bool = body.putObject("query").putObject("bool");
        ObjectNode match = bool.putArray("must").addObject().putObject("multi_match");
        match.put("query", text);
        match.putArray("fields")
                .add(Field.TITLE + "^2")
                .add(Field.ALT + "^2")
                .add(Field.CAPTION)
                .add(Field.CREDIT);
        filter.addTo(bool.putArray("filter"));
        var ranking = new ArrayList<Ranked>();
        for (JsonNode hit : search(body).at("/hits/hits")) {
            ranking.add(new Ranked(
                    hit.path("_id").asText(),
                    group(hit),
                    hit.path("sort").path(0).asDouble(),
                    Double.NaN));
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
                        new Ranked(ranked.id(), ranked.group(), share, ranked.cosine()),
                        (a, b) -> new Ranked(a.id(), a.group(), a.value() + b.value(), a.cosine()));
            }
        }
        return fused.values().stream()
                .sorted(Comparator.comparingDouble(Ranked::value).reversed().thenComparing(Ranked::id))
                .limit(DEPTH)
                .toList();
    }

    private static ObjectNode rankBody() {
        ObjectNode body =
                JSON.objectNode().put("size", DEPTH).put("_source", false).put("track_total_hits", false);
        body.putArray("docvalue_fields").add(Field.GROUP_ID);
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put("_score", "desc");
        sort.addObject().put(Field.ID, "asc");
        return body;
    }

    private static String group(JsonNode hit) {
        return hit.path("fields").path(Field.GROUP_ID).path(0).asText();
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
        return 31 * hash + request.mode().name().hashCode();
    }
}
