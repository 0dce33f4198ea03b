package lenstream.connector.fetch;

import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/** How one attempt to fetch an image ended. Immutable. */
public sealed interface FetchOutcome {
    /** What to send next time to learn whether something changed; byte for byte as the server gave it. */
    record Validators(@Nullable String etag, @Nullable String lastModified) {
        public static final Validators NONE = new Validators(null, null);
    }

    /**
     * New or changed bytes.
     *
     * @param bytes never written after construction
     * @param sha256 of the bytes, 64 hex digits
     */
    record Fetched(byte[] bytes, String sha256, Validators validators) implements FetchOutcome {}

    /** The same image as last time, by the server's word or by its bytes. */
    record Unchanged(Validators validators) implements FetchOutcome {}

    /** Not there: {@link Reason#NOT_FOUND} (404) or {@link Reason#GONE} (410, 451). */
    record Gone(Reason reason, String detail) implements FetchOutcome {}

    /** Another attempt now would end the same way. */
    record Rejected(Reason reason, String detail) implements FetchOutcome {}

    /** Failed, but another attempt after a pause may succeed. */
    record Deferred(Reason reason, String detail, long delayMillis) implements FetchOutcome {}
}
