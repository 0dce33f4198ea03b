package lenstream.core.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.command.Command;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.takedown.Takedowns;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * Reads what the job decided about a URL, and sets it beside what the index holds of it now. Thread-safe; blocks on the
 * index.
 */
public final class Ledger {
    /** Lines of one image that are told; decisions that are alike share one, so that few have so many. */
    private static final int MOST_LINES = 500;

    private static final int MOST_DUPLICATES = 5;
    /** Everything of an image but its vector. */
    private static final List<String> VECTORS = List.of(Field.EMBEDDING, "regions");

    private final IndexClient client;
    private final IndexLayout layout;

    /** @param client borrowed */
    public Ledger(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
    }

    /**
     * Everything that is known of a URL.
     *
     * @param url as people write it
     * @throws IllegalArgumentException if it is no URL that could ever be an image's
     * @throws IndexException if the index does not answer
     */
    public Explanation explain(String url) {
        String address = canonical(url)
                .orElseThrow(() -> new IllegalArgumentException(
                        "\"" + url + "\" is no URL of an image; write for example https://example.org/picture.jpg"));
        String id = ImageId.ofUrl(address);
        List<JsonNode> lines = sources(lines(id));
        JsonNode image = first(byId(layout.readAlias(), id));
        JsonNode rejection = first(byId(layout.rejectionIndex(), id));
        List<JsonNode> duplicates = image == null ? List.of() : hits(duplicates(id, image));
        long known = lines.isEmpty() && image == null && rejection == null ? ofHost(address) : 0;
        return Explanation.of(
                address,
                id,
                lines,
                image == null ? null : image.path("_source"),
                image == null ? "" : image.path("_index").asText(),
                rejection == null ? null : rejection.path("_source"),
                duplicates.stream().map(hit -> hit.at("/_source/url").asText()).toList(),
                first(takedowns(address)),
                known);
    }

    private static Optional<String> canonical(String url) {
        if (url.startsWith("file:")) {
            return Optional.of(url);
        }
        return CanonicalUrl.of(url).map(CanonicalUrl::value);
    }

    private JsonNode lines(String id) {
        ObjectNode body = term(Field.IMAGE, id).put("size", MOST_LINES);
        body.putArray("sort").addObject().put(Field.AT, "desc");
        return search(layout.ledgerIndex(), body);
    }

    private JsonNode byId(String index, String id) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 1);
        body.putObject("query").putObject("ids").putArray("values").add(id);
        withoutVectors(body);
        return search(index, body);
    }

    private JsonNode duplicates(String id, JsonNode image) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", MOST_DUPLICATES);
        ObjectNode bool = body.putObject("query").putObject("bool");
        bool.putArray("filter")
                .addObject()
                .putObject("term")
                .put(Field.GROUP_ID, image.at("/_source/group_id").asText());
        bool.putArray("must_not")
                .addObject()
                .putObject("ids")
                .putArray("values")
                .add(id);
        body.putArray("sort").addObject().put(Field.DISCOVERED, "asc");
        withoutVectors(body);
        return search(layout.readAlias(), body);
    }

    /** The take-downs in force that cover it; what looks alike is told by the line that kept it out. */
    private JsonNode takedowns(String address) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 1);
        var filter = body.putObject("query").putObject("bool").putArray("filter");
        var subjects = filter.addObject().putObject("terms").putArray("subject");
        Takedowns.subjects(address).forEach(subjects::add);
        filter.addObject().putObject("term").put("kind", Command.Kind.TAKEDOWN.name());
        return search(layout.commandIndex(), body);
    }

    /** Lines of other URLs of the same host. */
    private long ofHost(String address) {
        Optional<CanonicalUrl> url = CanonicalUrl.of(address);
        if (url.isEmpty()) {
            return 0;
        }
        ObjectNode body = term(Field.HOST, url.get().hostAndPort());
        IndexAnswer answer = client.send("POST", "/" + layout.ledgerIndex() + "/_count", body);
        return answer.ok() ? answer.json().path("count").asLong() : 0;
    }

    private static ObjectNode term(String field, String value) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("query").putObject("term").put(field, value);
        return body;
    }

    private static void withoutVectors(ObjectNode body) {
        var excludes = body.putObject("_source").putArray("excludes");
        VECTORS.forEach(excludes::add);
    }

    private JsonNode search(String index, ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", body);
        if (answer.status() == 404) {
            return JsonNodeFactory.instance.objectNode(); // no such index: nothing was ever written to it
        }
        return client.required(answer);
    }

    private static List<JsonNode> hits(JsonNode answer) {
        var hits = new ArrayList<JsonNode>();
        answer.at("/hits/hits").forEach(hits::add);
        return hits;
    }

    private static List<JsonNode> sources(JsonNode answer) {
        return hits(answer).stream().map(hit -> hit.path("_source")).toList();
    }

    private static @Nullable JsonNode first(JsonNode answer) {
        List<JsonNode> hits = hits(answer);
        return hits.isEmpty() ? null : hits.getFirst();
    }
}
