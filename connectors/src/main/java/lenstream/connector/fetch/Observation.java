package lenstream.connector.fetch;

import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/**
 * What the visits of a URL have shown so far. Immutable.
 *
 * @param state how the last one ended
 * @param reason why it was refused; null if it was not
 * @param etag as the server gave it
 * @param lastModified as the server gave it
 * @param sha256 of the bytes emitted last, 64 hex digits; null if none ever were
 * @param version of the last observation that was emitted as an image or a rejection, epoch ms
 * @param missing in how many rounds in a row the URL was not there; rounds without an answer do not count
 * @param checkedAtMillis when it was visited last, epoch ms
 * @param sinceMillis version of the first of the visits in a row that ended like the last one: the same bytes, or the
 *     same reason
 * @param times how many visits in a row ended so
 */
record Observation(
        UrlState state,
        @Nullable Reason reason,
        @Nullable String etag,
        @Nullable String lastModified,
        @Nullable String sha256,
        long version,
        int missing,
        long checkedAtMillis,
        long sinceMillis,
        int times) {

    /** Of a URL that was never visited. */
    static final Observation NONE = new Observation(UrlState.NEW, null, null, null, null, 0, 0, 0, 0, 0);

    /** What to send with the next request: nothing after a rejection, so that a success brings the bytes again. */
    Validators validators() {
        return state == UrlState.FETCHED ? new Validators(etag, lastModified) : Validators.NONE;
    }

    /** The hash that counts as unchanged. */
    @Nullable
    String comparable() {
        return state == UrlState.FETCHED ? sha256 : null;
    }

    Observation withUnknownBytes() {
        return new Observation(state, reason, null, null, null, version, missing, checkedAtMillis, sinceMillis, times);
    }

    /** The version of what is emitted now: the time, at least one more than the last one. */
    long nextVersion(long nowMillis) {
        return Math.max(nowMillis, version + 1);
    }

    Observation fetched(Validators now, String hash, long newVersion, long checkedAt) {
        return new Observation(
                UrlState.FETCHED, null, now.etag(), now.lastModified(), hash, newVersion, 0, checkedAt, newVersion, 1);
    }

    Observation unchanged(Validators now, long checkedAt) {
        return new Observation(
                state,
                reason,
                now.etag() == null ? etag : now.etag(),
                now.lastModified() == null ? lastModified : now.lastModified(),
                sha256,
                version,
                0,
                checkedAt,
                sinceMillis,
                times + 1);
    }

    /** After a visit that brought no answer: what is known stays. */
    Observation unanswered(long checkedAt) {
        return new Observation(
                state, reason, etag, lastModified, sha256, version, missing, checkedAt, sinceMillis, times);
    }

    Observation refused(UrlState as, Reason why, int nowMissing, long newVersion, long checkedAt) {
        boolean again = state == as && reason == why;
        return new Observation(
                as,
                why,
                etag,
                lastModified,
                sha256,
                newVersion,
                nowMissing,
                checkedAt,
                again ? sinceMillis : newVersion,
                again ? times + 1 : 1);
    }
}
