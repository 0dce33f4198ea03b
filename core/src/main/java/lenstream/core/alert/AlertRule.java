package lenstream.core.alert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;

/**
 * What a job knows of an alert in one embedding space. An alert has one rule for each space that is written, and each is a
 * command of its own: while there is a move from one encoder to another, an image that is compared in either is matched.
 * Immutable.
 *
 * @param alert id, 32 hex digits
 * @param fingerprint of the space
 * @param vector of unit length, never written after construction
 * @param threshold least cosine of a match
 * @param filter what else a match must meet
 */
public record AlertRule(String alert, String fingerprint, float[] vector, double threshold, ImageFilter filter) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREFIX = "alert-";

    /** The command that puts this rule in force, and replaces the alert's earlier rule in this space. */
    public Command put(String name, long nowMillis) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("alert", alert);
        body.set("filter", filter.json());
        return new Command(
                key(alert, fingerprint),
                Kind.ALERT_PUT,
                name,
                threshold,
                fingerprint,
                vector,
                body.toString(),
                nowMillis,
                Command.NO_POSITION);
    }

    /** The command that ends an alert's rule in a space. */
    public static Command delete(String alert, String fingerprint, long nowMillis) {
        return Command.of(key(alert, fingerprint), Kind.ALERT_DELETE, alert, null, nowMillis);
    }

    /**
     * The rule of a command that puts one in force.
     *
     * @throws IllegalArgumentException if this program does not understand it, because a newer one wrote it
     */
    static AlertRule of(Command command) {
        float[] vector = command.vector();
        String fingerprint = command.fingerprint();
        String body = command.body();
        if (command.kind() != Kind.ALERT_PUT || vector == null || fingerprint == null || body == null) {
            throw new IllegalArgumentException(command.key() + " is no rule of an alert");
        }
        try {
            JsonNode json = JSON.readTree(body);
            return new AlertRule(
                    json.path("alert").asText(),
                    fingerprint,
                    vector,
                    command.threshold(),
                    ImageFilter.ofJson(json.path("filter")));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(command.key() + ": " + e.getOriginalMessage(), e);
        }
    }

    private static String key(String alert, String fingerprint) {
        return PREFIX + alert + "." + fingerprint;
    }
}
