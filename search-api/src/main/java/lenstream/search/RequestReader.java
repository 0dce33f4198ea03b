package lenstream.search;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import lenstream.search.http.ProblemException;
import lenstream.search.http.Utf8;
import org.jspecify.annotations.Nullable;

/** Reads searches from query parameters, JSON and multipart forms; refuses what it does not know. Stateless. */
final class RequestReader {
    private static final List<String> SOURCES = List.of("text", "image", "image_url", "id", "vector");
    private static final List<String> JSON_KEYS = List.of(
            "text",
            "image",
            "image_url",
            "id",
            "vector",
            "queries",
            "region",
            "filter",
            "k",
            "cursor",
            "collapse",
            "mode",
            "min_score",
            "min_cosine",
            "diversity",
            "recency",
            "explain",
            "facets",
            "fingerprint");
    private static final List<String> PART_KEYS =
            List.of("text", "image", "image_url", "id", "vector", "region", "weight");
    private static final List<String> PARAMETERS;
    private static final List<String> IMAGE_PARAMETERS;
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final int MAX_VECTOR = 16_000;
    private static final int MAX_CURSOR = 400;
    private static final int MAX_URL = 8_191;

    /** A text is as long as its body, whose length is limited already: pictures are sent as base64. */
    private static final StreamReadConstraints CONSTRAINTS =
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build();

    private static final ObjectMapper JSON = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(CONSTRAINTS).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static {
        var common = new ArrayList<>(List.of(
                "k",
                "cursor",
                "collapse",
                "min_score",
                "min_cosine",
                "diversity",
                "recency",
                "explain",
                "facets",
                "fingerprint"));
        common.addAll(Filter.KEYS);
        var image = new ArrayList<>(common);
        image.add("region");
        IMAGE_PARAMETERS = List.copyOf(image);
        common.addFirst("mode");
        common.addFirst("q");
        PARAMETERS = List.copyOf(common);
    }

    private RequestReader() {}

    /** A search by words: {@code ?q=…}. */
    static SearchRequest ofParameters(Map<String, List<String>> parameters) {
        requireKnown(parameters, PARAMETERS);
        String text = single(parameters, "q");
        if (text == null) {
            throw ProblemException.badRequest("Say what to search for: /v1/search?q=red+bicycle.");
        }
        Query query = new Query.Text(text(text));
        String mode = single(parameters, "mode");
        return request(query, parameters, mode == null ? SearchRequest.Mode.VECTOR : mode(mode));
    }

    /** A search by the image in the body, or like a stored one; everything else stands in the query parameters. */
    static SearchRequest ofImage(Query query, Map<String, List<String>> parameters) {
        requireKnown(parameters, IMAGE_PARAMETERS);
        return request(query, parameters, SearchRequest.Mode.VECTOR);
    }

    /** A number of hits from query parameters that know nothing else. */
    static int count(Map<String, List<String>> parameters) {
        requireKnown(parameters, List.of("k"));
        return k(single(parameters, "k"));
    }

    /** A JSON search. */
    static SearchRequest ofJson(byte[] body) {
        JsonNode root = json(body);
        if (!root.isObject()) {
            throw ProblemException.badRequest("The body must be a JSON object such as {\"text\": \"red bicycle\"}.");
        }
        requireKnown("", root, JSON_KEYS);
        Query query;
        if (root.hasNonNull("queries")) {
            if (SOURCES.stream().anyMatch(root::hasNonNull) || root.hasNonNull("region")) {
                throw ProblemException.badRequest(
                        "queries stands alone: put the text, image, image_url, id or vector and its region into its"
                                + " list.");
            }
            query = weighted(root.get("queries"));
        } else {
            query = query("", root);
        }
        JsonNode filter = root.path("filter");
        JsonNode mode = root.path("mode");
        var request = new SearchRequest(
                query,
                root.hasNonNull("region") ? region(root.get("region")) : null,
                filter.isMissingNode() || filter.isNull() ? Filter.NONE : Filter.ofJson(filter),
                root.hasNonNull("k") ? k(root.get("k").asText()) : SearchRequest.DEFAULT_K,
                root.hasNonNull("cursor") ? cursor(string(root, "cursor")) : null,
                !root.hasNonNull("collapse")
                        || flag("collapse", root.get("collapse").asText()),
                new SearchRequest.Ranking(
                        mode.isMissingNode() || mode.isNull() ? SearchRequest.Mode.VECTOR : mode(string(root, "mode")),
                        fraction("min_score", text(root, "min_score")),
                        minCosine(text(root, "min_cosine")),
                        fraction("diversity", text(root, "diversity")),
                        fraction("recency", text(root, "recency"))),
                root.hasNonNull("facets") ? facets(texts("facets", root.get("facets"))) : List.of(),
                root.hasNonNull("explain")
                        && flag("explain", root.get("explain").asText()),
                root.hasNonNull("fingerprint") ? string(root, "fingerprint") : null);
        return checked(request);
    }

    private static Query weighted(JsonNode list) {
        if (!list.isArray() || list.isEmpty() || list.size() > SearchRequest.MAX_QUERIES) {
            throw ProblemException.badRequest("queries must be a list of 1 to " + SearchRequest.MAX_QUERIES
                    + " queries such as {\"text\": \"red bicycle\", \"weight\": 1}.");
        }
        var parts = new ArrayList<Query.Part>();
        for (int i = 0; i < list.size(); i++) {
            String where = "queries[" + i + "]";
            JsonNode node = list.get(i);
            if (!node.isObject()) {
                throw ProblemException.badRequest(where + " must be an object such as {\"text\": \"red bicycle\"}.");
            }
            requireKnown(where + ".", node, PART_KEYS);
            Query query = query(where + " ", node);
            Region region = node.hasNonNull("region") ? region(node.get("region")) : null;
            requirePicture(region, query);
            parts.add(new Query.Part(query, region, weight(where, node.path("weight"))));
        }
        return new Query.Weighted(List.copyOf(parts));
    }

    private static double weight(String where, JsonNode node) {
        if (node.isMissingNode() || node.isNull()) {
            return 1;
        }
        double weight = node.isNumber() ? node.doubleValue() : Double.NaN;
        if (!(weight >= -1 && weight <= 1) || weight == 0) {
            throw ProblemException.badRequest(
                    where + ".weight must be a number from -1 to 1 other than 0; a negative one leads away.");
        }
        return weight;
    }

    private static void requireKnown(String where, JsonNode object, List<String> known) {
        object.fieldNames().forEachRemaining(name -> {
            if (!known.contains(name)) {
                throw Names.unknown(where, name, known);
            }
        });
    }

    /** @throws ProblemException if the body is no JSON in UTF-8 */
    static JsonNode json(byte[] body) {
        try {
            return JSON.readTree(Utf8.checked(body));
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw ProblemException.badRequest("The body is no valid JSON"
                    + (at == null ? "." : ": see line " + at.getLineNr() + ", column " + at.getColumnNr() + "."));
        } catch (IOException e) {
            throw ProblemException.badRequest("The body is no valid JSON.");
        }
    }

    /** @throws ProblemException if the text is no id */
    static String id(String text) {
        if (!ID.matcher(text).matches()) {
            throw ProblemException.badRequest("An id has 32 digits of 0-9 and a-f, as answers give them.");
        }
        return text;
    }

    /** Base64, or a data URL that holds base64. */
    static byte[] base64(String name, String text) {
        String encoded = text;
        if (text.startsWith("data:")) {
            int comma = text.indexOf(',');
            if (comma < 0 || !text.substring(0, comma).endsWith(";base64")) {
                throw ProblemException.badRequest(name + " must be base64 or a data URL with ;base64.");
            }
            encoded = text.substring(comma + 1);
        }
        try {
            return Base64.getMimeDecoder().decode(encoded);
        } catch (IllegalArgumentException e) {
            throw ProblemException.badRequest(name + " is no valid base64.");
        }
    }

    /** A list of finite numbers that are not all zero, as a vector of unit length. */
    static float[] unit(float[] values, int dim) {
        if (values.length != dim) {
            throw ProblemException.badRequest(
                    "vector has " + values.length + " values, vectors of this index have " + dim + ".");
        }
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        if (sum == 0 || !Double.isFinite(sum)) {
            throw ProblemException.badRequest(
                    "vector must have finite values, not all zero: it has no direction to search in.");
        }
        double length = Math.sqrt(sum);
        var unit = new float[values.length];
        for (int i = 0; i < unit.length; i++) {
            unit[i] = (float) (values[i] / length);
        }
        return unit;
    }

    private static Query query(String where, JsonNode root) {
        List<String> given = SOURCES.stream().filter(root::hasNonNull).toList();
        if (given.size() != 1) {
            String sentence = where.isEmpty() ? "Give exactly one of" : where + "needs exactly one of";
            throw ProblemException.badRequest(sentence + " text, image, image_url, id and vector"
                    + (given.isEmpty() ? "." : ", not " + String.join(" and ", given) + "."));
        }
        return switch (given.getFirst()) {
            case "text" -> new Query.Text(text(string(root, "text")));
            case "image" -> new Query.Image(base64("image", string(root, "image")));
            case "image_url" -> {
                String url = string(root, "image_url");
                if (url.length() > MAX_URL) {
                    throw ProblemException.badRequest("image_url is longer than " + MAX_URL + " characters.");
                }
                yield new Query.ImageUrl(url);
            }
            case "id" -> new Query.Id(id(string(root, "id")));
            default -> new Query.Vector(vector(root.get("vector")));
        };
    }

    private static SearchRequest request(Query query, Map<String, List<String>> parameters, SearchRequest.Mode mode) {
        var filter = new LinkedHashMap<String, List<String>>();
        parameters.forEach((name, values) -> {
            if (Filter.KEYS.contains(name)) {
                filter.put(name, values);
            }
        });
        String cursor = single(parameters, "cursor");
        String collapse = single(parameters, "collapse");
        String region = single(parameters, "region");
        String explain = single(parameters, "explain");
        List<String> facets = parameters.getOrDefault("facets", List.of()).stream()
                .flatMap(value -> Arrays.stream(value.split(",", -1)))
                .toList();
        return checked(new SearchRequest(
                query,
                region == null ? null : region(json(("[" + region + "]").getBytes(StandardCharsets.UTF_8))),
                Filter.of(filter),
                k(single(parameters, "k")),
                cursor == null ? null : cursor(cursor),
                collapse == null || flag("collapse", collapse),
                new SearchRequest.Ranking(
                        mode,
                        fraction("min_score", single(parameters, "min_score")),
                        minCosine(single(parameters, "min_cosine")),
                        fraction("diversity", single(parameters, "diversity")),
                        fraction("recency", single(parameters, "recency"))),
                facets(facets),
                explain != null && flag("explain", explain),
                single(parameters, "fingerprint")));
    }

    private static SearchRequest checked(SearchRequest request) {
        requirePicture(request.region(), request.query());
        if (request.mode() != SearchRequest.Mode.VECTOR && !(request.query() instanceof Query.Text)) {
            throw ProblemException.badRequest("mode text and mode hybrid need a text.");
        }
        SearchRequest.Ranking ranking = request.ranking();
        if ((ranking.minScore() > 0 || ranking.minCosine() != null) && request.mode() != SearchRequest.Mode.VECTOR) {
            throw ProblemException.badRequest(
                    "min_score and min_cosine need mode vector: the other modes rank by words.");
        }
        return request;
    }

    private static void requirePicture(@Nullable Region region, Query query) {
        if (region != null && (query instanceof Query.Text || query instanceof Query.Vector)) {
            throw ProblemException.badRequest("region needs an image, image_url or id to be a part of.");
        }
    }

    private static double fraction(String name, @Nullable String text) {
        double number = text == null ? 0 : number(text);
        if (number >= 0 && number <= 1) {
            return number;
        }
        throw ProblemException.badRequest(name + " must be a number from 0 to 1.");
    }

    private static @Nullable Double minCosine(@Nullable String text) {
        if (text == null) {
            return null;
        }
        double number = number(text);
        if (number >= -1 && number <= 1) {
            return number;
        }
        throw ProblemException.badRequest("min_cosine must be a number from -1 to 1.");
    }

    /** NaN for what is no number: it lies in no range. */
    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    private static @Nullable String text(JsonNode root, String name) {
        return root.hasNonNull(name) ? root.get(name).asText() : null;
    }

    private static List<String> facets(List<String> names) {
        for (String name : names) {
            if (!Facets.FIELDS.contains(name)) {
                throw Names.unknown("facets ", name, Facets.FIELDS);
            }
        }
        return names.stream().distinct().toList();
    }

    private static List<String> texts(String name, JsonNode list) {
        var texts = new ArrayList<String>();
        for (JsonNode element : list) {
            texts.add(element.isTextual() ? element.asText() : "");
        }
        if (!list.isArray()) {
            throw ProblemException.badRequest(name + " must be a list such as [\"site\"].");
        }
        return texts;
    }

    private static float[] vector(JsonNode node) {
        if (!node.isArray() || node.size() > MAX_VECTOR) {
            throw ProblemException.badRequest("vector must be a list of at most " + MAX_VECTOR + " numbers.");
        }
        var values = new float[node.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode value = node.get(i);
            if (!value.isNumber()) {
                throw ProblemException.badRequest("vector[" + i + "] must be a number.");
            }
            values[i] = value.floatValue();
        }
        return values;
    }

    private static Region region(JsonNode node) {
        boolean four = node.isArray() && node.size() == 4;
        if (four) {
            for (JsonNode value : node) {
                four &= value.canConvertToInt() && value.isIntegralNumber();
            }
        }
        try {
            if (four) {
                return new Region(
                        node.get(0).intValue(),
                        node.get(1).intValue(),
                        node.get(2).intValue(),
                        node.get(3).intValue());
            }
        } catch (IllegalArgumentException e) {
            throw ProblemException.badRequest(e.getMessage() + ".");
        }
        throw ProblemException.badRequest("region must be [x, y, width, height] in whole pixels of the image.");
    }

    private static SearchRequest.Mode mode(String text) {
        return switch (text) {
            case "vector" -> SearchRequest.Mode.VECTOR;
            case "text" -> SearchRequest.Mode.TEXT;
            case "hybrid" -> SearchRequest.Mode.HYBRID;
            default -> throw Names.unknown("mode ", text, List.of("vector", "text", "hybrid"));
        };
    }

    private static String text(String text) {
        if (text.isBlank()) {
            throw ProblemException.badRequest("The text to search for is empty: say what the picture shows.");
        }
        if (text.length() > SearchRequest.MAX_TEXT) {
            throw ProblemException.badRequest("The text has " + text.length() + " characters, at most "
                    + SearchRequest.MAX_TEXT + " are read: make it shorter.");
        }
        return text.strip();
    }

    private static int k(@Nullable String text) {
        if (text == null) {
            return SearchRequest.DEFAULT_K;
        }
        try {
            int k = Integer.parseInt(text);
            if (k >= 1 && k <= SearchRequest.MAX_K) {
                return k;
            }
        } catch (NumberFormatException e) {
            // the same sentence as for a number out of range
        }
        throw ProblemException.badRequest("k must be a whole number from 1 to " + SearchRequest.MAX_K
                + "; more hits come with the cursor of the answer.");
    }

    private static String cursor(String text) {
        if (text.length() > MAX_CURSOR) {
            throw ProblemException.badRequest(
                    "The cursor is not one of ours: take it from the answer before, unchanged.");
        }
        return text;
    }

    private static boolean flag(String name, String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw ProblemException.badRequest(name + " must be true or false.");
        };
    }

    private static String string(JsonNode root, String name) {
        JsonNode node = root.path(name);
        if (!node.isTextual()) {
            throw ProblemException.badRequest(name + " must be a text.");
        }
        return node.asText();
    }

    private static @Nullable String single(Map<String, List<String>> parameters, String name) {
        List<String> values = parameters.getOrDefault(name, List.of());
        if (values.size() > 1) {
            throw ProblemException.badRequest(name + " is given " + values.size() + " times; give it once.");
        }
        return values.isEmpty() ? null : values.getFirst();
    }

    private static void requireKnown(Map<String, List<String>> parameters, List<String> known) {
        for (String name : parameters.keySet()) {
            if (!known.contains(name)) {
                throw Names.unknown("", name, known);
            }
        }
    }
}
