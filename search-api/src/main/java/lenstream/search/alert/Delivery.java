package lenstream.search.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import lenstream.core.alert.AlertMatch;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * Matches of one alert that its webhook is told of together, and how far that is. Immutable.
 *
 * @param id {@code webhook-id} of every attempt, by which the receiver knows a repetition
 * @param matches ids of the matches
 * @param events what is told: no match is told of twice with the same bytes of its image
 * @param attempts that were made
 * @param error why the last one failed; null if none did
 * @param createdAtMillis epoch ms
 * @param nextAtMillis when it is tried, epoch ms
 */
record Delivery(
        String id,
        String alert,
        State state,
        List<String> matches,
        List<String> events,
        int attempts,
        @Nullable String error,
        long createdAtMillis,
        long nextAtMillis) {
    private static final int LONGEST_ERROR = 300;

    /** How far it is. */
    enum State {
        PENDING,
        /** The receiver has taken it. */
        DELIVERED,
        /** Nobody took it, and nobody will be asked again. */
        FAILED,
        /** What it would have told of is gone. */
        DROPPED;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Delivery of(String alert, List<AlertMatch> matches, long nowMillis) {
        return new Delivery(
                "msg_" + UUID.randomUUID().toString().replace("-", ""),
                alert,
                State.PENDING,
                matches.stream().map(AlertMatch::id).toList(),
                matches.stream().map(AlertMatch::event).toList(),
                0,
                null,
                nowMillis,
                nowMillis);
    }

    Delivery in(State next, @Nullable String why) {
        return new Delivery(id, alert, next, matches, events, attempts, cut(why), createdAtMillis, nextAtMillis);
    }

    /** After an attempt. */
    Delivery attempted() {
        return new Delivery(id, alert, state, matches, events, attempts + 1, error, createdAtMillis, nextAtMillis);
    }

    /** To be tried again. */
    Delivery at(long millis, @Nullable String why) {
        return new Delivery(id, alert, State.PENDING, matches, events, attempts, cut(why), createdAtMillis, millis);
    }

    private static @Nullable String cut(@Nullable String text) {
        return text == null || text.length() <= LONGEST_ERROR ? text : text.substring(0, LONGEST_ERROR) + "…";
    }

    ObjectNode json(long nowMillis) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put(Field.ID, id)
                .put(Field.ALERT, alert)
                .put("state", state.word())
                .put("attempts", attempts)
                .put("created", Instant.ofEpochMilli(createdAtMillis).toString())
                .put("next", Instant.ofEpochMilli(nextAtMillis).toString())
                .put("changed", Instant.ofEpochMilli(nowMillis).toString());
        matches.forEach(json.putArray("matches")::add);
        events.forEach(json.putArray("events")::add);
        if (error != null) {
            json.put("error", error);
        }
        return json;
    }

    static Delivery of(JsonNode json) {
        return new Delivery(
                json.path(Field.ID).asText(),
                json.path(Field.ALERT).asText(),
                State.valueOf(json.path("state").asText().toUpperCase(Locale.ROOT)),
                texts(json.path("matches")),
                texts(json.path("events")),
                json.path("attempts").asInt(),
                json.hasNonNull("error") ? json.path("error").asText() : null,
                Instant.parse(json.path("created").asText()).toEpochMilli(),
                Instant.parse(json.path("next").asText()).toEpochMilli());
    }

    private static List<String> texts(JsonNode list) {
        var texts = new ArrayList<String>();
        list.forEach(text -> texts.add(text.asText()));
        return texts;
    }
}
