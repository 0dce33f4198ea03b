package lenstream.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A saved query that every new image is compared with. What a server leaves out is null. Immutable.
 *
 * @param id 32 hex digits
 * @param name for people
 * @param asked what is looked for
 * @param state {@code active}, or {@code stale} where the encoder that is searched has no vector of it
 * @param minScore least score of a match, 0 to 1
 * @param minCosine the same as a cosine; null while stale
 * @param fingerprint of the space that is searched
 * @param created when it was made
 * @param matches how many it has; null in a list
 * @param feed path of its Atom feed on the server
 * @param webhook who is told; null for nobody
 */
public record Alert(
        String id,
        String name,
        String asked,
        String state,
        double minScore,
        @Nullable Double minCosine,
        String fingerprint,
        Instant created,
        @Nullable Long matches,
        String feed,
        @Nullable Webhook webhook) {

    /**
     * Who is told of matches, and how that went.
     *
     * @param secret key of the signatures ({@code whsec_…}); only in the answer that made the alert
     * @param state {@code active} or {@code disabled}
     * @param reason why it is disabled
     * @param pending deliveries on their way; this and the next two only of a single alert
     * @param delivered deliveries that were taken
     * @param failed deliveries that nobody took
     */
    public record Webhook(
            String url,
            @Nullable String secret,
            @Nullable String state,
            @Nullable String reason,
            @Nullable Long pending,
            @Nullable Long delivered,
            @Nullable Long failed) {}
}
