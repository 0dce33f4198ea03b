package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;

/**
 * How the alerts of an installation are, for status. Immutable.
 *
 * @param alerts how many there are
 * @param stale those without a rule in the space that is searched: nothing new is compared with them
 * @param disabled those whose receiver said that it is gone
 * @param matches images that met an alert, as far as they are kept
 * @param pending matches that a webhook is yet to be told of
 * @param delivered matches that a webhook has taken
 * @param failed matches that no attempt brought to their webhook
 */
public record AlertCounts(
        long alerts, long stale, long disabled, long matches, long pending, long delivered, long failed) {

    /**
     * Asks the index; one that does not exist holds none.
     *
     * @param fingerprint of the space that is searched
     * @throws IndexException if it does not answer
     */
    public static AlertCounts read(IndexClient client, IndexLayout layout, String fingerprint) {
        long alerts = 0;
        long stale = 0;
        long disabled = 0;
        for (Alert alert : new AlertRegister(client, layout).all()) {
            alerts++;
            stale += alert.space(fingerprint).isEmpty() ? 1 : 0;
            disabled += alert.disabled() != null ? 1 : 0;
        }
        if (alerts == 0) {
            return new AlertCounts(0, 0, 0, 0, 0, 0, 0);
        }
        long matches = ask(client, "GET", "/" + layout.matchIndex() + "/_count", Optional.empty())
                .path("count")
                .asLong();
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 0).put("track_total_hits", false);
        ObjectNode states = body.putObject("aggs").putObject("states");
        states.putObject("terms").put("field", "state");
        states.putObject("aggs").putObject("told").putObject("value_count").put("field", "events");
        JsonNode found = ask(client, "POST", "/" + layout.deliveryIndex() + "/_search", Optional.of(body))
                .at("/aggregations/states/buckets");
        return new AlertCounts(
                alerts,
                stale,
                disabled,
                matches,
                told(found, "pending"),
                told(found, "delivered"),
                told(found, "failed"));
    }

    private static long told(JsonNode states, String state) {
        for (JsonNode bucket : states) {
            if (bucket.path("key").asText().equals(state)) {
                return bucket.at("/told/value").asLong();
            }
        }
        return 0;
    }

    private static JsonNode ask(IndexClient client, String method, String path, Optional<JsonNode> body) {
        IndexAnswer answer = client.send(method, path, body.orElse(null));
        if (answer.status() == 404) {
            return JsonNodeFactory.instance.missingNode();
        }
        return client.required(answer);
    }

    /** Under the names of the components. */
    public ObjectNode json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("alerts", alerts)
                .put("stale", stale)
                .put("disabled", disabled)
                .put("matches", matches)
                .put("pending", pending)
                .put("delivered", delivered)
                .put("failed", failed);
    }
}
