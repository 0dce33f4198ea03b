package lenstream.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;

/**
 * What to look for: begins with one of the static methods, grows by the others, each of which returns a new search.
 * Values are checked by the server, whose refusal names the field. Immutable.
 *
 * <pre>{@code
 * Search.text("a red flower").k(20).filter("host", "example.org")
 * Search.like(hit.id()).plus(Search.text("at night"), 0.5).plus(Search.text("people"), -0.3)
 * }</pre>
 */
public final class Search {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** How the words of a query are compared. */
    public enum Mode {
        /** By what the pictures show. */
        VECTOR,
        /** By titles, alternative texts and captions. */
        TEXT,
        /** By both, fused by rank. */
        HYBRID
    }

    private final ObjectNode body;

    private Search(ObjectNode body) {
        this.body = body;
    }

    /** Pictures that show what the words say. */
    public static Search text(String words) {
        return of("text", JSON.textNode(words));
    }

    /** Pictures like the one in a file. */
    public static Search image(Path file) {
        try {
            return image(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the picture " + file, e);
        }
    }

    /** Pictures like this one. */
    public static Search image(byte[] encoded) {
        return of("image", JSON.textNode(Base64.getEncoder().encodeToString(encoded)));
    }

    /** Pictures like the one that the server finds at a URL. */
    public static Search imageAt(URI url) {
        return of("image_url", JSON.textNode(url.toString()));
    }

    /** Pictures like one of the index. */
    public static Search like(String id) {
        return of("id", JSON.textNode(id));
    }

    /** Pictures whose embeddings are near this one. */
    public static Search vector(float[] embedding) {
        ArrayNode values = JSON.arrayNode(embedding.length);
        for (float value : embedding) {
            values.add(value);
        }
        return of("vector", values);
    }

    /**
     * Adds a second query: what is looked for is the weighted sum of both directions. Only what {@code part} looks for
     * counts (its region too), not its filters.
     *
     * @param weight -1 to 1; below 0 for what shall not be found. What stands so far has weight 1
     */
    public Search plus(Search part, double weight) {
        ObjectNode copy = body.deepCopy();
        ArrayNode queries = copy.withArray("queries");
        if (queries.isEmpty()) {
            queries.add(query(copy));
        }
        JsonNode others = part.body.get("queries");
        if (others != null) {
            throw new IllegalArgumentException("a part is one query; add the parts one by one");
        }
        queries.add(query(part.body.deepCopy()).put("weight", weight));
        return new Search(copy);
    }

    /** Takes what a search looks for out of its body. */
    private static ObjectNode query(ObjectNode from) {
        ObjectNode query = JSON.objectNode();
        for (String name : new String[] {"text", "image", "image_url", "id", "vector", "region"}) {
            JsonNode value = from.remove(name);
            if (value != null) {
                query.set(name, value);
            }
        }
        return query;
    }

    /** Searches with a part of the picture, in its pixels. */
    public Search region(int x, int y, int width, int height) {
        return with("region", JSON.arrayNode().add(x).add(y).add(width).add(height));
    }

    /** Hits of a page. */
    public Search k(int hits) {
        return with("k", JSON.numberNode(hits));
    }

    public Search mode(Mode mode) {
        return with("mode", JSON.textNode(mode.name().toLowerCase(java.util.Locale.ROOT)));
    }

    /** Leaves out hits with a lower score, 0 to 1. */
    public Search minScore(double score) {
        return with("min_score", JSON.numberNode(score));
    }

    /** Whether near-duplicates make one hit; they do unless this says otherwise. */
    public Search collapse(boolean collapse) {
        return with("collapse", JSON.booleanNode(collapse));
    }

    /** Counts the values of these fields among the hits. */
    public Search facets(String... fields) {
        ArrayNode names = JSON.arrayNode();
        for (String field : fields) {
            names.add(field);
        }
        return with("facets", names);
    }

    /** Only images whose field has one of these values, for instance {@code host} or {@code orientation}. */
    public Search filter(String key, String... values) {
        if (values.length == 1) {
            return filter(key, JSON.textNode(values[0]));
        }
        ArrayNode list = JSON.arrayNode();
        for (String value : values) {
            list.add(value);
        }
        return filter(key, list);
    }

    /** Only images within a bound, for instance {@code min_width}. */
    public Search filter(String key, long bound) {
        return filter(key, JSON.numberNode(bound));
    }

    /** Only images of a time, for instance {@code published_from}. */
    public Search filter(String key, Instant time) {
        return filter(key, JSON.textNode(time.toString()));
    }

    private Search filter(String key, JsonNode value) {
        ObjectNode copy = body.deepCopy();
        copy.withObject("/filter").set(key, value);
        return new Search(copy);
    }

    /** The page that begins where another one ended. */
    public Search after(String cursor) {
        return with("cursor", JSON.textNode(cursor));
    }

    /** Any other field of the server's search request, as its {@code /openapi.json} names it. */
    public Search set(String field, Object value) {
        return with(field, MAPPER.valueToTree(value));
    }

    /** The request's body. */
    ObjectNode body() {
        return body;
    }

    private Search with(String field, JsonNode value) {
        ObjectNode copy = body.deepCopy();
        copy.set(field, value);
        return new Search(copy);
    }

    private static Search of(String field, JsonNode value) {
        ObjectNode body = JSON.objectNode();
        body.set(field, value);
        return new Search(body);
    }

    /** The request's body as JSON. */
    @Override
    public String toString() {
        return body.toString();
    }
}
