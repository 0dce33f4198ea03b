package lenstream.search.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import lenstream.core.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * A WebSub subscription. Immutable.
 *
 * @param id of the callback address; nobody can guess it
 * @param topic the feed or page, by the address that its hub knows it by
 * @param hub that tells of changes
 * @param secret that deliveries are signed with, sealed for this id where it comes from the index; null where the hub is not asked through TLS
 * @param state where it stands
 * @param reason what a hub said that refused it; null for nothing
 * @param createdMillis epoch ms
 * @param askedMillis when the hub was asked last, epoch ms
 * @param leaseMillis how long it holds from its last confirmation; 0 before the first
 * @param untilMillis when it ends unless it is renewed, epoch ms; 0 before the first confirmation
 */
record Subscription(
        String id,
        String topic,
        String hub,
        @Nullable Secret secret,
        State state,
        @Nullable String reason,
        long createdMillis,
        long askedMillis,
        long leaseMillis,
        long untilMillis) {

    /** Renewed when a fifth of the lease is left. */
    private static final long LEFT = 5;

    /** How long a hub may take to confirm before it is asked again. */
    private static final long CONFIRMED_WITHIN_MILLIS = 10 * 60_000;

    enum State {
        /** The hub was asked and has not confirmed. */
        PENDING,
        ACTIVE,
        /** The hub refused, or ended it. */
        DENIED,
        /** The hub was asked to end it. */
        ENDING
    }

    Subscription asked(long nowMillis) {
        return new Subscription(
                id, topic, hub, secret, state, reason, createdMillis, nowMillis, leaseMillis, untilMillis);
    }

    Subscription confirmed(long forMillis, long nowMillis) {
        return new Subscription(
                id,
                topic,
                hub,
                secret,
                State.ACTIVE,
                null,
                createdMillis,
                askedMillis,
                forMillis,
                nowMillis + forMillis);
    }

    Subscription in(State next, @Nullable String why) {
        return new Subscription(
                id, topic, hub, secret, next, why, createdMillis, askedMillis, leaseMillis, untilMillis);
    }

    Subscription with(Secret other) {
        return new Subscription(
                id, topic, hub, other, state, reason, createdMillis, askedMillis, leaseMillis, untilMillis);
    }

    /** Whether it is wanted and the hub was not asked a moment ago. */
    boolean mayBeAsked(long nowMillis) {
        return (state == State.PENDING || state == State.ACTIVE) && nowMillis - askedMillis >= CONFIRMED_WITHIN_MILLIS;
    }

    /** Whether the hub has to be asked (again) now. */
    boolean isDue(long nowMillis) {
        return switch (state) {
            case PENDING -> mayBeAsked(nowMillis);
            case ACTIVE ->
                nowMillis >= untilMillis - leaseMillis / LEFT
                        && nowMillis - askedMillis >= Math.min(CONFIRMED_WITHIN_MILLIS, leaseMillis / 10);
            case DENIED, ENDING -> false;
        };
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("topic", topic)
                .put("hub", hub)
                .put("secret", secret == null ? null : secret.value())
                .put("state", state.name())
                .put("reason", reason)
                .put("created", createdMillis)
                .put("asked", askedMillis)
                .put("lease", leaseMillis)
                .put("until", untilMillis);
    }

    static Subscription of(JsonNode json) {
        return new Subscription(
                json.path("id").asText(),
                json.path("topic").asText(),
                json.path("hub").asText(),
                json.hasNonNull("secret") ? new Secret(json.path("secret").asText()) : null,
                State.valueOf(json.path("state").asText()),
                json.hasNonNull("reason") ? json.path("reason").asText() : null,
                json.path("created").asLong(),
                json.path("asked").asLong(),
                json.path("lease").asLong(),
                json.path("until").asLong());
    }
}
