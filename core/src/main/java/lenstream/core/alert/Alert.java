package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * A saved query as its keepers see it. The query stays as it was asked, so that it can be embedded anew for another encoder;
 * its threshold is a score, which means about the same in every space. Immutable.
 *
 * @param id 32 hex digits
 * @param name for people
 * @param asked what is looked for, for people: the words, or what kind of picture
 * @param query the search's text, image, id, vector or queries, never written after construction; empty where it was not
 *     asked for
 * @param words whether it is a query of words, whose scores have a scale of their own
 * @param filter what else a match must meet
 * @param minScore least score of a match, 0 to 1
 * @param spaces in which it has a rule, the newest last
 * @param webhook who is told; null for nobody
 * @param disabled why the webhook is told no more; null while it is
 * @param by who made it
 * @param createdAtMillis when, epoch ms
 */
public record Alert(
        String id,
        String name,
        String asked,
        JsonNode query,
        boolean words,
        ImageFilter filter,
        double minScore,
        List<Space> spaces,
        @Nullable Webhook webhook,
        @Nullable String disabled,
        String by,
        long createdAtMillis) {

    public Alert {
        spaces = List.copyOf(spaces);
    }

    /**
     * An embedding space in which an alert has a rule.
     *
     * @param minCosine the cosine that has the least score there
     */
    public record Space(String fingerprint, double minCosine) {}

    /**
     * Who is told.
     *
     * @param url of the receiver
     * @param secret of the key that signs ({@code whsec_} and its base64), sealed for the alert's id: see {@link SecretSeal}
     */
    public record Webhook(String url, Secret secret) {}

    /** The alert with a rule in one more space, or with another one in a space that it has. */
    public Alert in(Space space) {
        var next = new ArrayList<Space>(spaces);
        next.removeIf(known -> known.fingerprint().equals(space.fingerprint()));
        next.add(space);
        return new Alert(id, name, asked, query, words, filter, minScore, next, webhook, disabled, by, createdAtMillis);
    }

    /** Its rule in a space; empty if it has none. */
    public Optional<Space> space(String fingerprint) {
        return spaces.stream()
                .filter(space -> space.fingerprint().equals(fingerprint))
                .findFirst();
    }

    /** Whether somebody is told of matches. */
    public boolean tells() {
        return webhook != null && disabled == null;
    }

    ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("name", name)
                .put("asked", asked)
                .put("words", words)
                .put("min_score", minScore)
                .put("by", by)
                .put("created", Instant.ofEpochMilli(createdAtMillis).toString());
        json.set("query", query);
        json.set("filter", filter.json());
        json.set("spaces", json(spaces));
        if (webhook != null) {
            json.putObject("webhook")
                    .put("url", webhook.url())
                    .put("secret", webhook.secret().value());
        }
        if (disabled != null) {
            json.put("disabled", disabled);
        }
        return json;
    }

    static ArrayNode json(List<Space> spaces) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        spaces.forEach(space ->
                list.addObject().put("fingerprint", space.fingerprint()).put("min_cosine", space.minCosine()));
        return list;
    }

    static Alert of(JsonNode json) {
        var spaces = new ArrayList<Space>();
        json.path("spaces")
                .forEach(space -> spaces.add(new Space(
                        space.path("fingerprint").asText(),
                        space.path("min_cosine").asDouble())));
        JsonNode webhook = json.path("webhook");
        return new Alert(
                json.path("id").asText(),
                json.path("name").asText(),
                json.path("asked").asText(),
                json.has("query") ? json.get("query") : JsonNodeFactory.instance.objectNode(),
                json.path("words").asBoolean(),
                ImageFilter.ofJson(json.path("filter")),
                json.path("min_score").asDouble(),
                spaces,
                webhook.isObject()
                        ? new Webhook(
                                webhook.path("url").asText(),
                                new Secret(webhook.path("secret").asText()))
                        : null,
                json.hasNonNull("disabled") ? json.path("disabled").asText() : null,
                json.path("by").asText(),
                Instant.parse(json.path("created").asText()).toEpochMilli());
    }
}
