package lenstream.connector.fetch;

import lenstream.connector.fetch.FetchOutcome.Validators;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one image URL. Flink state (a POJO): add or remove components only, or old savepoints break.
 *
 * @param etag as the server gave it
 * @param lastModified as the server gave it
 * @param sha256 of the bytes emitted last; null if none ever were
 * @param version of the last observation that was emitted as an image or a rejection, epoch ms
 * @param rejected whether the last observation was a rejection
 * @param missing in how many rounds in a row the URL was not there; rounds without an answer do not count
 * @param checkedAtMillis when it was visited last, epoch ms
 */
public record KnownUrl(
        @Nullable String etag,
        @Nullable String lastModified,
        @Nullable String sha256,
        long version,
        boolean rejected,
        int missing,
        long checkedAtMillis) {

    /** What to send with the next request: nothing after a rejection, so that a success brings the bytes again. */
    Validators validators() {
        return rejected || sha256 == null ? Validators.NONE : new Validators(etag, lastModified);
    }

    /** The hash that counts as unchanged. */
    @Nullable
    String comparable() {
        return rejected ? null : sha256;
    }

    KnownUrl unchanged(Validators now, long checkedAt) {
        return new KnownUrl(
                now.etag() == null ? etag : now.etag(),
                now.lastModified() == null ? lastModified : now.lastModified(),
                sha256,
                version,
                rejected,
                0,
                checkedAt);
    }
}
