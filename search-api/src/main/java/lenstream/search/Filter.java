package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.image.Orientation;
import lenstream.core.image.PixelFeatures;
import lenstream.core.index.Field;
import lenstream.search.http.ProblemException;

/**
 * Which images a search may find. Keys: {@code host, site, mime, via, license} (a value or a list of which one must be
 * met), {@code published_from, published_to, indexed_from, indexed_to} (RFC 3339 time or date; from is included, to is
 * not), {@code min_width, max_width, min_height, max_height} (pixels), {@code orientation}
 * (landscape, portrait or square), {@code color} (one of {@link PixelFeatures#COLORS}), {@code animated} (true or false), {@code label} (words of which one must fit the
 * picture). All that are given must be met. Immutable.
 *
 * <p>Labels are no field of the index: an encoder turns them into vectors, and every image that is near enough has the
 * label. So any word will do, and none must be thought of before images are indexed. One is known for certain: an image in
 * which words were read has the label {@code text}.
 */
final class Filter {
    private static final int LONGEST_LIST = 100;
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final String ANIMATED = "animated";
    private static final String LABEL = "label";

    /** Each costs an embedding. */
    private static final int MOST_LABELS = 16;

    private static final int LONGEST_LABEL = 200;
    private static final Map<String, String> TERMS = Map.of(
            "host", Field.HOST,
            "site", Field.SITE,
            "mime", Field.MIME,
            "via", Field.VIA,
            "license", Field.LICENSE,
            "orientation", Field.ORIENTATION,
            "color", Field.COLOR);
    /** Terms whose values are a fixed set. */
    private static final Map<String, List<String>> WORDS =
            Map.of(Field.ORIENTATION, Orientation.WORDS, Field.COLOR, PixelFeatures.COLORS);

    private static final Map<String, Bound> BOUNDS = Map.of(
            "published_from", new Bound(Field.PUBLISHED, "gte", true),
            "published_to", new Bound(Field.PUBLISHED, "lt", true),
            "indexed_from", new Bound(Field.INDEXED, "gte", true),
            "indexed_to", new Bound(Field.INDEXED, "lt", true),
            "min_width", new Bound(Field.WIDTH, "gte", false),
            "max_width", new Bound(Field.WIDTH, "lte", false),
            "min_height", new Bound(Field.HEIGHT, "gte", false),
            "max_height", new Bound(Field.HEIGHT, "lte", false));

    /** Every key, for messages. */
    static final List<String> KEYS = List.of(
            "host",
            "site",
            "mime",
            "via",
            "license",
            "published_from",
            "published_to",
            "indexed_from",
            "indexed_to",
            "min_width",
            "max_width",
            "min_height",
            "max_height",
            "orientation",
            "color",
            ANIMATED,
            LABEL);

    static final Filter NONE = new Filter(List.of(), List.of());

    private record Bound(String field, String operator, boolean time) {}

    private final List<ObjectNode> clauses;
    private final List<String> labels;

    private Filter(List<ObjectNode> clauses, List<String> labels) {
        this.clauses = clauses;
        this.labels = labels;
    }

    /** @throws ProblemException if a key or a value cannot be used */
    static Filter of(Map<String, List<String>> values) {
        var clauses = new ArrayList<ObjectNode>();
        var labels = new ArrayList<String>();
        values.forEach((key, texts) -> {
            String term = TERMS.get(key);
            Bound bound = BOUNDS.get(key);
            if (term != null) {
                clauses.add(terms(key, term, texts));
            } else if (bound != null) {
                clauses.add(range(key, bound, texts));
            } else if (key.equals(ANIMATED)) {
                clauses.add(animated(texts));
            } else if (key.equals(LABEL)) {
                labels.addAll(labels(texts));
            } else {
                throw Names.unknown("filter.", key, KEYS);
            }
        });
        return clauses.isEmpty() && labels.isEmpty() ? NONE : new Filter(List.copyOf(clauses), List.copyOf(labels));
    }

    /** Reads the {@code filter} object of a JSON request. */
    static Filter ofJson(JsonNode node) {
        if (!node.isObject()) {
            throw ProblemException.badRequest("filter must be an object such as {\"host\": \"example.org\"}.");
        }
        var values = new LinkedHashMap<String, List<String>>();
        node.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            var texts = new ArrayList<String>();
            for (JsonNode element : value.isArray() ? value : JSON.arrayNode().add(value)) {
                if (!element.isTextual() && !element.isIntegralNumber() && !element.isBoolean()) {
                    throw ProblemException.badRequest("filter." + entry.getKey()
                            + " must be a text, a whole number, true, false or a list of these.");
                }
                texts.add(element.asText());
            }
            values.put(entry.getKey(), texts);
        });
        return of(values);
    }

    boolean isEmpty() {
        return clauses.isEmpty() && labels.isEmpty();
    }

    /** Words of which one must fit the picture; none for any picture. */
    List<String> labels() {
        return labels;
    }

    /** Whether a label is found as one of an image's regions, not by an encoder. */
    static boolean isRegion(String label) {
        return label.equals(Field.TEXT);
    }

    /** A query that an image meets which has a region with this label. */
    static ObjectNode region(String label) {
        ObjectNode query = JSON.objectNode();
        query.putObject("term").put(Field.REGION_LABEL, label);
        return query;
    }

    /** The same filter with its labels put as queries, one of which must be met. */
    Filter withLabels(List<ObjectNode> queries) {
        ObjectNode any = JSON.objectNode();
        ArrayNode should = any.putObject("bool").put("minimum_should_match", 1).putArray("should");
        queries.forEach(should::add);
        var all = new ArrayList<>(clauses);
        all.add(any);
        return new Filter(List.copyOf(all), List.of());
    }

    /** The filter as a query; only where it is not empty. */
    ObjectNode query() {
        ObjectNode query = JSON.objectNode();
        addTo(query.putObject("bool").putArray("filter"));
        return query;
    }

    void addTo(ArrayNode list) {
        clauses.forEach(list::add);
    }

    @Override
    public String toString() {
        return labels.isEmpty() ? clauses.toString() : clauses + " " + labels;
    }

    private static ObjectNode terms(String key, String field, List<String> texts) {
        if (texts.isEmpty() || texts.size() > LONGEST_LIST) {
            throw ProblemException.badRequest("filter." + key + " needs 1 to " + LONGEST_LIST + " values.");
        }
        List<String> words = WORDS.get(key);
        if (words != null && !words.containsAll(texts)) {
            throw ProblemException.badRequest("filter." + key + " must be "
                    + String.join(", ", words.subList(0, words.size() - 1)) + " or " + words.getLast() + ".");
        }
        ObjectNode clause = JSON.objectNode();
        ArrayNode list = clause.putObject("terms").putArray(field);
        texts.forEach(list::add);
        return clause;
    }

    private static List<String> labels(List<String> texts) {
        if (texts.isEmpty() || texts.size() > MOST_LABELS) {
            throw ProblemException.badRequest("filter.label needs 1 to " + MOST_LABELS + " words.");
        }
        for (String text : texts) {
            if (text.isBlank() || text.length() > LONGEST_LABEL) {
                throw ProblemException.badRequest(
                        "filter.label needs words of 1 to " + LONGEST_LABEL + " characters, such as \"dog\".");
            }
        }
        return texts;
    }

    /** More than one frame. */
    private static ObjectNode animated(List<String> texts) {
        String text = texts.size() == 1 ? texts.getFirst() : "";
        if (!text.equals("true") && !text.equals("false")) {
            throw ProblemException.badRequest("filter.animated must be true or false.");
        }
        ObjectNode clause = JSON.objectNode();
        clause.putObject("range").putObject(Field.FRAMES).put(text.equals("true") ? "gt" : "lte", 1);
        return clause;
    }

    private static ObjectNode range(String key, Bound bound, List<String> texts) {
        if (texts.size() != 1) {
            throw ProblemException.badRequest("filter." + key + " needs exactly one value.");
        }
        String text = texts.getFirst();
        ObjectNode clause = JSON.objectNode();
        ObjectNode range = clause.putObject("range").putObject(bound.field());
        if (bound.time()) {
            range.put(bound.operator(), time(key, text).toString());
            return clause;
        }
        try {
            range.put(bound.operator(), Integer.parseInt(text));
        } catch (NumberFormatException e) {
            throw ProblemException.badRequest(
                    "filter." + key + " must be a whole number of pixels, not \"" + text + "\".");
        }
        return clause;
    }

    private static Instant time(String key, String text) {
        try {
            return text.length() == 10
                    ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
                    : OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw ProblemException.badRequest("filter." + key
                    + " must be a date or a time such as 2026-01-31 or 2026-01-31T08:00:00Z, not \"" + text + "\".");
        }
    }
}
