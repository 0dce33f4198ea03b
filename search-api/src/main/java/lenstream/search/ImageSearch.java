package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
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
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Calibration;
import lenstream.core.model.Fingerprint;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;

/**
 * Searches the index of one embedding space. Every search ranks {@value #DEPTH} neighbours by id alone and
 * shows the documents of the page that was asked for: the depth is the same for every page, so that pages fit together. The
 * documents of a first page come with the ranking, those of a later one cost a second request. A first page of which nothing
 * more is asked needs no ranking at all.
 *
 * <p>Queries to the index are built from typed requests only. Thread-safe; blocking. Does not own its client.
 */
final class ImageSearch {
    /**
     * Neighbours that are ranked, and so the length of a result list: far more than people look at, and HNSW visits at
     * least as many nodes, so it costs time.
     */
    static final int DEPTH = 300;

    /** Most images above a least cosine that are found; OpenSearch's own limit of a result window is 10,000. */
    static final int RADIAL_DEPTH = 2_000;

    /** OpenSearch's limit of hits within an aggregation, {@code index.max_inner_result_window}. */
    private static final int MOST_INNER_HITS = 100;

    /** Vectors are stored as 32-bit floats: their cosine is known no better. */
    private static final double ROUNDING = 1e-6;

    /** The constant of reciprocal rank fusion; source: Cormack, Clarke, Büttcher, SIGIR 2009. */
    private static final double RANK_CONSTANT = 60;

    /**
     * Fields of words with their weights. What stands in a picture is less often what it shows than what is said of it; its
     * parts of words find what was read amiss, and much by chance.
     */
    private static final Map<String, Double> WORD_FIELDS = Map.of(
            Field.TITLE, 2.0,
            Field.ALT, 2.0,
            Field.CAPTION, 1.0,
            Field.CREDIT, 1.0,
            Field.OCR, 1.0,
            Field.OCR_TRIGRAMS, 0.2);

    /** How much of a text's parts a picture's words need. */
    private static final String MOST_TRIGRAMS = "75%";

    /**
     * Words of a text that are looked up, and letters of it whose parts are: OpenSearch takes 1,024 clauses of all fields together
     * (indices.query.bool.max_clause_count), and answers more of them with an error.
     */
    private static final int MOST_WORDS = 160;

    /** From here on signs may be words of their own: symbols, CJK, halves of what lies beyond. */
    private static final char FIRST_OF_ITS_OWN = 0x2000;

    /** When an image came, the best that is known first. */
    private static final List<String> TIMES = List.of(Field.PUBLISHED, Field.INDEXED);

    /** More documents than the page has hits come along, because some are of one group. */
    private static final int SPARE = 8;

    private static final String PAGE = "page";
    private static final String GROUPS = "groups";
    private static final String NEAREST = "nearest";

    /** Most members of a group that an answer names. */
    static final int MEMBERS = 100;

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final String imageIndex;
    private final String thumbnailIndex;
    private final String groupIndex;
    private final Fingerprint fingerprint;
    private final int dim;
    private volatile @Nullable Quantisation quantisation;
    private volatile boolean countsItself = true; // until it counts otherwise than we do

    /**
     * A list of images, best first.
     *
     * @param sources of the first ones' documents, by id
     * @param complete whether no image is missing for want of room
     */
    private record Ranking(List<Ranked> hits, Map<String, JsonNode> sources, boolean complete) {}

    /**
     * A page of images with their cosines, best first.
     *
     * @param best cosine of the first hit of the first page; NaN if there is none or the ranking does not know it
     * @param complete whether all images above the least cosine are among the {@code total}
     * @param nearest the nearest images whatever their page, best first, as many as were asked for
     */
    record Page(
            int total,
            @Nullable String cursor,
            List<Found> found,
            double best,
            boolean complete,
            @Nullable Facets facets,
            List<Calibration.Neighbour> nearest) {
        Page with(List<Calibration.Neighbour> neighbours) {
            return new Page(total, cursor, found, best, complete, facets, neighbours);
        }
    }

    /** An image that was found. {@code groupSize} counts among the neighbours that were ranked. */
    record Found(JsonNode source, double cosine, int groupSize, Ranked.Places why) {
        String groupId() {
            return source.path(Field.GROUP_ID).asText();
        }
    }

    ImageSearch(IndexClient client, IndexLayout layout, Fingerprint fingerprint, int dim) {
        this.client = client;
        this.imageIndex = layout.imageIndex(fingerprint);
        this.thumbnailIndex = layout.thumbnailIndex();
        this.groupIndex = layout.groupIndex();
        this.fingerprint = fingerprint;
        this.dim = dim;
    }

    /**
     * Images near a vector.
     *
     * @param query unit length
     * @param request what else was asked for; of its query only the ids count, which are left out
     * @param leastCosine below which images are left out; null for the nearest {@link #DEPTH} whatever they are
     * @param nearest how many of the nearest images come with their vectors, in the same round trip
     */
    Page near(Direction query, SearchRequest request, @Nullable Double leastCosine, int nearest) {
        if (showsAllInOne(request, leastCosine)) {
            Page first = firstPage(query, request, nearest);
            if (first != null) {
                return first;
            }
        }
        ObjectNode body = leastCosine == null
                ? nearestBody(query.vector(), request)
                : radialBody(query.vector(), request, leastCosine);
        boolean onePage = request.cursor() == null && request.ranking().diversity() == 0;
        if (onePage) { // the documents of the page come along: the second request is spared
            int size = Math.min(MOST_INNER_HITS, request.k() + Math.max(SPARE, request.k() / 2));
            ObjectNode page = body.putObject("aggs").putObject(PAGE).putObject("top_hits");
            page.put("size", size).set("sort", body.get("sort"));
            if (!withVectors(request)) {
                withoutVectors(page);
            }
        }
        withNearest(body, nearest);
        JsonNode answer = search(body);
        List<Ranked> hits = byPicture(answer);
        if (leastCosine != null) {
            hits.removeIf(hit -> hit.cosine() < leastCosine);
        }
        if (request.ranking().recency() > 0) {
            hits.replaceAll(hit -> hit.withValue(share(hit.why().byPicture())));
            hits = newestFirst(hits, request);
        }
        var sources = new HashMap<String, JsonNode>();
        answer.at("/aggregations/" + PAGE + "/hits/hits")
                .forEach(hit -> sources.put(hit.path("_id").asText(), hit.path("_source")));
        boolean complete = leastCosine == null || answer.at("/hits/hits").size() < RADIAL_DEPTH;
        return page(new Ranking(hits, sources, complete), query, request, key(query.vector(), "", request))
                .with(nearest(answer));
    }

    /** The nearest images' vectors come as an aggregation: of the page's documents all or none could have theirs. */
    private static void withNearest(ObjectNode body, int nearest) {
        if (nearest > 0) {
            ObjectNode hits = body.withObject("/aggs")
                    .putObject(NEAREST)
                    .putObject("top_hits")
                    .put("size", nearest);
            hits.set("sort", body.get("sort"));
            hits.putArray("_source").add(Field.EMBEDDING);
        }
    }

    private List<Calibration.Neighbour> nearest(JsonNode answer) {
        return answer.at("/aggregations/" + NEAREST + "/hits/hits")
                .valueStream()
                .map(hit -> new Calibration.Neighbour(
                        quantisation().cosine(hit.path("sort").path(0).asDouble()),
                        floats(hit.path("_source").path(Field.EMBEDDING))))
                .toList();
    }

    /** Whether the hits of the page and the sizes of groups are all that the answer tells of the neighbours. */
    private boolean showsAllInOne(SearchRequest request, @Nullable Double leastCosine) {
        return countsItself
                && leastCosine == null
                && request.cursor() == null
                && request.ranking().diversity() == 0
                && request.ranking().recency() == 0
                && request.facets().isEmpty()
                && !request.explain();
    }

    /**
     * A first page whose neighbours OpenSearch counts and collapses itself: it then sends the documents of the page alone, not
     * the places of {@value #DEPTH} images, which cost both sides more than all the rest.
     *
     * @return null if the index counts more neighbours than are ranked, as several shards do, each its own
     */
    private @Nullable Page firstPage(Direction query, SearchRequest request, int nearest) {
        ObjectNode body = JSON.objectNode().put("size", request.k()).put("track_total_hits", true);
        ObjectNode knn = quantisation().knn(query.vector(), DEPTH);
        if (!request.filter().isEmpty()) {
            knn.set("filter", request.filter().query());
        }
        ObjectNode neighbours = JSON.objectNode();
        neighbours.putObject("knn").set(Field.EMBEDDING, knn);
        List<String> without = request.query().ids();
        if (without.isEmpty()) {
            body.set("query", neighbours);
        } else {
            ObjectNode others = body.putObject("query").putObject("bool");
            others.putArray("must").add(neighbours);
            without.forEach(
                    others.putArray("must_not").addObject().putObject("terms").putArray(Field.ID)::add);
        }
        order(body);
        withoutVectors(body);
        if (request.collapse()) {
            body.putObject("collapse").put("field", Field.GROUP_ID);
        }
        body.putObject("aggs")
                .putObject(GROUPS)
                .putObject("terms")
                .put("field", Field.GROUP_ID)
                .put("size", DEPTH)
                .put("min_doc_count", 2)
                .put("execution_hint", "map"); // of the neighbours alone; ordinals would be those of the whole index
        withNearest(body, nearest);
        JsonNode answer = search(body);
        int images = answer.at("/hits/total/value").asInt();
        if (images > DEPTH) {
            countsItself = false;
            return null;
        }
        var sizes = new HashMap<String, Integer>();
        int total = images;
        for (JsonNode group : answer.path("aggregations").path(GROUPS).path("buckets")) {
            int size = group.path("doc_count").asInt();
            sizes.put(group.path("key").asText(), size);
            total -= request.collapse() ? size - 1 : 0;
        }
        var found = new ArrayList<Found>(request.k());
        double value = Double.NaN;
        double best = Double.NaN;
        String id = "";
        for (JsonNode hit : answer.at("/hits/hits")) {
            JsonNode source = hit.path("_source");
            value = hit.path("sort").path(0).asDouble();
            id = id(hit);
            double cosine = quantisation().cosine(value);
            best = found.isEmpty() ? cosine : best;
            int size = sizes.getOrDefault(source.path(Field.GROUP_ID).asText(), 1);
            found.add(new Found(source, cosine, size, Ranked.Places.picture(found.size() + 1)));
        }
        String next = found.isEmpty() || found.size() >= total
                ? null
                : new Cursor(key(query.vector(), "", request), value, id).text();
        return new Page(total, next, found, best, true, null, nearest(answer));
    }

    /** Images whose words match a text; cosines are those of the text's vector. */
    Page matching(String text, Direction query, SearchRequest request) {
        List<Ranked> hits = byWords(search(wordsBody(text, request)));
        if (request.ranking().recency() > 0) {
            hits.replaceAll(hit -> hit.withValue(share(hit.why().byWords())));
            hits = newestFirst(hits, request);
        }
        return page(new Ranking(hits, Map.of(), true), query, request, key(query.vector(), text, request));
    }

    /** Images that are near a text's vector or whose words match it, fused by reciprocal rank. */
    Page hybrid(String text, Direction query, SearchRequest request) {
        List<JsonNode> answers = searchBoth(nearestBody(query.vector(), request), wordsBody(text, request));
        List<Ranked> fused = newestFirst(fuse(byPicture(answers.get(0)), byWords(answers.get(1))), request);
        return page(new Ranking(fused, Map.of(), true), query, request, key(query.vector(), text, request));
    }

    /** A query that every image meets whose vector is near enough, for a filter. */
    ObjectNode like(float[] vector, double leastCosine) {
        if (quantisation().isCoded()) {
            throw ProblemException.impossible(
                    "filter.label needs vectors that are kept whole; this index keeps codes (" + quantisation() + ").");
        }
        ObjectNode query = JSON.objectNode();
        query.putObject("knn").set(Field.EMBEDDING, quantisation().radial(vector, leastCosine, RADIAL_DEPTH));
        return query;
    }

    /** Why an image was found. */
    Why why(Found found, Direction query) {
        JsonNode embedding = found.source().path(Field.EMBEDDING);
        return Why.of(found.why(), query, embedding.isArray() ? floats(embedding) : null);
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

    /** Documents of these images without their vectors, by id, as they were written last; what is not there is left out. */
    Map<String, JsonNode> images(List<String> ids) {
        var found = new HashMap<String, JsonNode>();
        if (ids.isEmpty()) {
            return found;
        }
        ObjectNode body = JSON.objectNode();
        ids.forEach(body.putArray("ids")::add);
        require(client.send("POST", "/" + imageIndex + "/_mget?_source_excludes=" + Field.EMBEDDING, body))
                .path("docs")
                .forEach(document -> {
                    if (document.path("found").asBoolean()) {
                        found.put(document.path("_id").asText(), document.path("_source"));
                    }
                });
        return found;
    }

    /** What is known of a group of near-duplicates; empty for an image that is alone and shown by one page. */
    Optional<JsonNode> group(String groupId) {
        IndexAnswer answer = client.send(
                "GET", "/" + groupIndex + "/_doc/" + URLEncoder.encode(groupId, StandardCharsets.UTF_8), null);
        return answer.status() == 404 // or no job has made the index yet
                ? Optional.empty()
                : Optional.of(require(answer).path("_source"));
    }

    /** What hits say of their groups, by id, in one request. */
    Map<String, GroupSummary> groups(Collection<String> ids) {
        if (ids.isEmpty()) {
            return Map.of();
        }
        ObjectNode images = JSON.objectNode().put("size", 0).put("track_total_hits", false);
        ArrayNode wanted = images.putObject("query").putObject("terms").putArray(Field.GROUP_ID);
        ids.forEach(wanted::add);
        ObjectNode groups = images.putObject("aggs").putObject(GROUPS);
        groups.putObject("terms").put("field", Field.GROUP_ID).put("size", ids.size());
        groups.putObject("aggs")
                .putObject("ids")
                .putObject("terms")
                .put("field", Field.ID)
                .put("size", MEMBERS);
        String lines = "{}\n" + images + "\n{\"index\":\"" + groupIndex + "\",\"ignore_unavailable\":true}\n"
                + idsBody(List.copyOf(ids)) + "\n"; // no job may have made that index yet
        List<JsonNode> answers = searchBoth(lines);
        var known = new HashMap<String, JsonNode>();
        answers.get(1).at("/hits/hits").forEach(hit -> known.put(hit.path("_id").asText(), hit.path("_source")));
        var summaries = new HashMap<String, GroupSummary>();
        for (JsonNode bucket : answers.get(0).at("/aggregations/groups/buckets")) {
            String id = bucket.path("key").asText();
            summaries.put(id, GroupSummary.of(id, bucket, known.getOrDefault(id, JSON.missingNode())));
        }
        return summaries;
    }

    /** Documents of a group's images without their vectors, by id, at most {@value #MEMBERS}. */
    List<JsonNode> members(String groupId) {
        ObjectNode body = JSON.objectNode().put("size", MEMBERS);
        withoutVectors(body);
        body.putObject("query").putObject("term").put(Field.GROUP_ID, groupId);
        body.putArray("sort").addObject().put(Field.ID, "asc");
        var sources = new ArrayList<JsonNode>();
        search(body).at("/hits/hits").forEach(hit -> sources.add(hit.path("_source")));
        return sources;
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

    private Page page(Ranking ranking, Direction query, SearchRequest request, int key) {
        Cursor from = request.cursor() == null ? null : Cursor.parse(request.cursor(), key);
        List<String> without = request.query().ids();
        var sizes = new HashMap<String, Integer>();
        var heads = new LinkedHashMap<String, Ranked>(); // the best of each group, in order
        for (Ranked ranked : ranking.hits()) {
            if (!without.contains(ranked.id())) {
                sizes.merge(ranked.group(), 1, Integer::sum);
                heads.putIfAbsent(request.collapse() ? ranked.group() : ranked.id(), ranked);
            }
        }
        List<Ranked> ordered = List.copyOf(heads.values());
        if (request.ranking().diversity() > 0) {
            ordered =
                    Diversity.order(ordered, vectors(ordered), request.ranking().diversity());
        }
        List<Ranked> behind = from == null
                ? ordered
                : ordered.stream()
                        .filter(ranked -> from.isBefore(ranked.value(), ranked.id()))
                        .toList();
        List<Ranked> wanted = behind.subList(0, Math.min(request.k(), behind.size()));
        boolean cosinesKnown = wanted.stream().noneMatch(ranked -> Double.isNaN(ranked.cosine()));
        Map<String, JsonNode> sources = sources(wanted, ranking.sources(), !cosinesKnown || withVectors(request));
        var found = new ArrayList<Found>(wanted.size());
        for (Ranked ranked : wanted) {
            JsonNode source = sources.get(ranked.id()); // absent if it was deleted meanwhile
            if (source != null) {
                double cosine = cosinesKnown
                        ? ranked.cosine()
                        : Cosine.dot(floats(source.path(Field.EMBEDDING)), query.vector());
                found.add(new Found(source, cosine, sizes.getOrDefault(ranked.group(), 1), ranked.why()));
            }
        }
        Ranked last = wanted.isEmpty() ? null : wanted.getLast();
        String next =
                last == null || wanted.size() == behind.size() ? null : new Cursor(key, last.value(), last.id()).text();
        double best = heads.values().stream() // not always the first: time may count
                .mapToDouble(Ranked::cosine)
                .filter(cosine -> !Double.isNaN(cosine))
                .max()
                .orElse(Double.NaN);
        Facets facets = request.facets().isEmpty()
                ? null
                : Facets.count(
                        request.facets(),
                        heads.values().stream().map(Ranked::facets).toList());
        return new Page(heads.size(), next, found, best, ranking.complete(), facets, List.of());
    }

    /** Whether the answer says something that only the images' vectors tell. */
    private static boolean withVectors(SearchRequest request) {
        return request.explain() && request.query() instanceof Query.Weighted;
    }

    /** The documents of some images: those that came along, and those that did not. */
    private Map<String, JsonNode> sources(List<Ranked> wanted, Map<String, JsonNode> known, boolean withVectors) {
        List<String> missing = wanted.stream()
                .map(Ranked::id)
                .filter(id -> !known.containsKey(id))
                .toList();
        if (missing.isEmpty()) {
            return known;
        }
        ObjectNode body = idsBody(missing);
        if (!withVectors) {
            withoutVectors(body);
        }
        var sources = new HashMap<>(known);
        search(body).at("/hits/hits").forEach(hit -> sources.put(hit.path("_id").asText(), hit.path("_source")));
        return sources;
    }

    /** The stored vectors of the images that may change places. */
    private Map<String, float[]> vectors(List<Ranked> hits) {
        if (hits.isEmpty()) {
            return Map.of();
        }
        ObjectNode body =
                idsBody(hits.stream().limit(Diversity.POOL).map(Ranked::id).toList());
        body.putArray("_source").add(Field.EMBEDDING);
        var vectors = new HashMap<String, float[]>();
        search(body)
                .at("/hits/hits")
                .forEach(hit -> vectors.put(
                        hit.path("_id").asText(), floats(hit.path("_source").path(Field.EMBEDDING))));
        return vectors;
    }

    private static ObjectNode idsBody(List<String> ids) {
        ObjectNode body = JSON.objectNode().put("size", ids.size()).put("track_total_hits", false);
        ArrayNode values = body.putObject("query").putObject("ids").putArray("values");
        ids.forEach(values::add);
        return body;
    }

    /** The nearest neighbours by falling cosine, then by id. */
    private ObjectNode nearestBody(float[] vector, SearchRequest request) {
        return knnBody(DEPTH, quantisation().knn(vector, DEPTH), request);
    }

    /** Every image whose cosine is high enough, by falling cosine, then by id. */
    private ObjectNode radialBody(float[] vector, SearchRequest request, double leastCosine) {
        ObjectNode knn = quantisation().radial(vector, leastCosine - ROUNDING, RADIAL_DEPTH);
        return knnBody(RADIAL_DEPTH, knn, request);
    }

    private static ObjectNode knnBody(int depth, ObjectNode knn, SearchRequest request) {
        ObjectNode body = rankBody(depth, request);
        body.putObject("query").putObject("knn").set(Field.EMBEDDING, knn);
        if (!request.filter().isEmpty()) {
            knn.set("filter", request.filter().query());
        }
        return body;
    }

    private List<Ranked> byPicture(JsonNode answer) {
        Quantisation kept = quantisation();
        var ranking = new ArrayList<Ranked>(DEPTH);
        for (JsonNode hit : answer.at("/hits/hits")) {
            double score = hit.path("sort").path(0).asDouble();
            ranking.add(new Ranked(
                    id(hit),
                    group(hit),
                    score,
                    kept.cosine(score),
                    facets(hit),
                    time(hit),
                    Ranked.Places.picture(ranking.size() + 1)));
        }
        return ranking;
    }

    /**
     * Images whose words match, by falling BM25 score, then by id. A field's match has the field's name, so that an answer
     * can say where the words stand; the best field counts, as in a {@code multi_match}.
     */
    private static ObjectNode wordsBody(String text, SearchRequest request) {
        ObjectNode body = rankBody(DEPTH, request);
        ObjectNode bool = body.putObject("query").putObject("bool");
        ArrayNode fields =
                bool.putArray("must").addObject().putObject("dis_max").putArray("queries");
        String words = firstWords(text);
        WORD_FIELDS.forEach((field, boost) -> {
            ObjectNode match = fields.addObject().putObject("match").putObject(field);
            match.put("query", words).put("boost", boost).put("_name", field);
            if (field.equals(Field.OCR_TRIGRAMS)) {
                int letters = Math.min(MOST_WORDS, words.codePointCount(0, words.length()));
                match.put("query", words.substring(0, words.offsetByCodePoints(0, letters)))
                        .put("minimum_should_match", MOST_TRIGRAMS);
            }
        });
        request.filter().addTo(bool.putArray("filter"));
        return body;
    }

    /** As much of a text as is looked up as words, each sign of a script without spaces counted as one. */
    private static String firstWords(String text) {
        int words = 0;
        boolean inside = false;
        for (int i = 0; i < text.length(); i++) {
            char sign = text.charAt(i);
            boolean letter = Character.isLetterOrDigit(sign);
            boolean begins = !Character.isLowSurrogate(sign); // so that no pair is parted
            words += begins && (sign >= FIRST_OF_ITS_OWN || (letter && !inside)) ? 1 : 0;
            inside = letter;
            if (words > MOST_WORDS) {
                return text.substring(0, i);
            }
        }
        return text;
    }

    private static List<Ranked> byWords(JsonNode answer) {
        var ranking = new ArrayList<Ranked>();
        for (JsonNode hit : answer.at("/hits/hits")) {
            var fields = new ArrayList<String>();
            hit.path("matched_queries").forEach(name -> fields.add(name.asText()));
            if (fields.remove(Field.OCR_TRIGRAMS) && !fields.contains(Field.OCR)) {
                fields.add(Field.OCR);
            }
            double score = hit.path("sort").path(0).asDouble();
            ranking.add(new Ranked(
                    id(hit),
                    group(hit),
                    score,
                    Double.NaN,
                    facets(hit),
                    time(hit),
                    Ranked.Places.words(ranking.size() + 1, score, List.copyOf(fields))));
        }
        return ranking;
    }

    private static List<Ranked> fuse(List<Ranked> first, List<Ranked> second) {
        var fused = new HashMap<String, Ranked>();
        for (List<Ranked> ranking : List.of(first, second)) {
            for (int i = 0; i < ranking.size(); i++) {
                Ranked ranked = ranking.get(i).withValue(share(i + 1));
                fused.merge(
                        ranked.id(),
                        ranked,
                        (a, b) -> new Ranked(
                                a.id(),
                                a.group(),
                                a.value() + b.value(),
                                a.cosine(),
                                a.facets(),
                                a.time(),
                                a.why().and(b.why())));
            }
        }
        return fused.values().stream()
                .sorted(Comparator.comparingDouble(Ranked::value).reversed().thenComparing(Ranked::id))
                .limit(DEPTH)
                .toList();
    }

    /**
     * The same images in the order of their value and their time: a third ranking, newest first, that is fused like the others. Images of
     * one time share the place of the first of them.
     */
    private static List<Ranked> newestFirst(List<Ranked> ranking, SearchRequest request) {
        double weight = request.ranking().recency();
        if (weight == 0) {
            return ranking;
        }
        List<Ranked> byTime = ranking.stream()
                .sorted(Comparator.comparingLong(Ranked::time).reversed())
                .toList();
        var together = new ArrayList<Ranked>(ranking.size());
        int place = 0;
        for (int i = 0; i < byTime.size(); i++) {
            Ranked ranked = byTime.get(i);
            place = i > 0 && byTime.get(i - 1).time() == ranked.time() ? place : i + 1;
            together.add(ranked.newest(ranked.value(), place, weight * share(place)));
        }
        together.sort(Comparator.comparingDouble(Ranked::value).reversed().thenComparing(Ranked::id));
        return together;
    }

    /** What a place, counted from 1, adds to the value of an image in reciprocal rank fusion. */
    static double share(int place) {
        return 1 / (RANK_CONSTANT + place);
    }

    /** A ranking alone, no documents: even {@code _id} would cost reading each document's stored fields, so the id comes with the sort. */
    private static ObjectNode rankBody(int size, SearchRequest request) {
        ObjectNode body = JSON.objectNode()
                .put("size", size)
                .put("stored_fields", "_none_")
                .put("track_total_hits", false);
        ArrayNode values = body.putArray("docvalue_fields").add(Field.GROUP_ID);
        request.facets().forEach(facet -> values.add(Facets.field(facet)));
        if (request.ranking().recency() > 0) {
            for (String time : TIMES) {
                values.addObject().put("field", time).put("format", "epoch_millis");
            }
        }
        order(body);
        return body;
    }

    /** Best first, and always the same way. */
    private static void order(ObjectNode body) {
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put("_score", "desc");
        sort.addObject().put(Field.ID, "asc");
    }

    /** The second value of what hits are sorted by. */
    private static String id(JsonNode hit) {
        return hit.path("sort").path(1).asText();
    }

    private static String group(JsonNode hit) {
        return hit.path("fields").path(Field.GROUP_ID).path(0).asText();
    }

    /** When it was published, or indexed; 0 if that was not asked for. */
    private static long time(JsonNode hit) {
        for (String field : TIMES) {
            JsonNode known = hit.path("fields").path(field).path(0);
            if (!known.isMissingNode()) {
                return known.asLong();
            }
        }
        return 0;
    }

    /** The values of each field that was asked for. */
    private static Map<String, List<String>> facets(JsonNode hit) {
        var values = new HashMap<String, List<String>>();
        for (String facet : Facets.FIELDS) {
            JsonNode found = hit.path("fields").path(Facets.field(facet));
            if (found.isArray()) {
                values.put(facet, found.valueStream().map(JsonNode::asText).toList());
            }
        }
        return values;
    }

    private static void withoutVectors(ObjectNode body) {
        body.putObject("_source").putArray("excludes").add(Field.EMBEDDING);
    }

    private JsonNode search(ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + imageIndex + "/_search", body);
        if (!answer.ok()) {
            quantisation = null; // the index may have been deleted and made again with another one
            countsItself = true;
        }
        return require(answer);
    }

    /** Two searches in one request. */
    private List<JsonNode> searchBoth(ObjectNode first, ObjectNode second) {
        return searchBoth("{}\n" + first + "\n{}\n" + second + "\n");
    }

    private List<JsonNode> searchBoth(String lines) {
        JsonNode answers = require(client.send(
                        "POST",
                        "/" + imageIndex + "/_msearch",
                        lines.getBytes(StandardCharsets.UTF_8),
                        "application/x-ndjson"))
                .path("responses");
        var both = new ArrayList<JsonNode>(2);
        for (JsonNode answer : answers) {
            int status = answer.path("status").asInt(500);
            both.add(
                    status == 200
                            ? answer
                            : require(new IndexAnswer(status, answer.toString().getBytes(StandardCharsets.UTF_8))));
        }
        return both;
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
        return quantisation().read(array);
    }

    /** How the index keeps its vectors; it says so itself, once. */
    private Quantisation quantisation() {
        Quantisation known = quantisation;
        if (known == null) {
            known = IndexSetup.quantisation(client, imageIndex);
            quantisation = known;
        }
        return known;
    }

    private int key(float[] vector, String text, SearchRequest request) {
        int hash = fingerprint.hashCode();
        for (float value : vector) {
            hash = 31 * hash + Float.hashCode(value);
        }
        hash = 31 * hash + text.hashCode();
        hash = 31 * hash + request.filter().toString().hashCode();
        hash = 31 * hash + Boolean.hashCode(request.collapse());
        hash = 31 * hash + request.query().ids().hashCode();
        return 31 * hash + request.ranking().toString().hashCode();
    }
}
