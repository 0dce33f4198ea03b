package lenstream.connector.fetch;

import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Fetched;
import lenstream.connector.fetch.FetchOutcome.Gone;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Unchanged;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import org.jspecify.annotations.Nullable;

/** What follows from one attempt to fetch: what to emit, what to remember, or another attempt. Immutable. */
sealed interface Verdict {
    /** Rounds in a row in which an image was not found before it counts as gone; a 410 needs none. */
    int MISSES_UNTIL_GONE = 2;

    record Image(FetchedImage image, KnownUrl known) implements Verdict {}

    record Refusal(Rejection rejection, KnownUrl known) implements Verdict {}

    record NothingNew(KnownUrl known) implements Verdict {}

    record Again(PendingVisit visit) implements Verdict {}

    /**
     * Decides. The version of what is emitted is the time of observation, at least one more than the URL's last one.
     *
     * @param visit that was attempted
     * @param known of the URL, null if it was never visited
     * @param nowMillis epoch ms
     */
    static Verdict of(
            PendingVisit visit, @Nullable KnownUrl known, FetchOutcome outcome, long nowMillis, FetchConfig config) {
        long version = known == null ? nowMillis : Math.max(nowMillis, known.version() + 1);
        return switch (outcome) {
            case Fetched fetched -> image(visit.target(), known, fetched, version, nowMillis);
            case Unchanged unchanged -> {
                KnownUrl before = known == null ? unknown() : known;
                yield new NothingNew(before.unchanged(unchanged.validators(), nowMillis));
            }
            case Gone gone -> gone(visit.target(), known, gone, version, nowMillis);
            case Rejected rejected ->
                refusal(visit.target(), known, rejected.reason(), rejected.detail(), 0, version, nowMillis);
            case Deferred deferred -> {
                int attempts = visit.attempts() + 1;
                if (attempts < config.attempts()
                        && deferred.delayMillis() <= config.patience().toMillis()) {
                    yield new Again(new PendingVisit(visit.target(), attempts, nowMillis + deferred.delayMillis()));
                }
                String detail = deferred.detail() + (attempts == 1 ? "" : " (attempt " + attempts + ")");
                // a server that does not answer says nothing about whether the image is there
                int missing = known == null ? 0 : known.missing();
                yield refusal(visit.target(), known, deferred.reason(), detail, missing, version, nowMillis);
            }
        };
    }

    /**
     * A 404 may be an accident of the moment, so the first one only says so; when a target that was discovered after it
     * ends the same way, the image is gone. Two resources of one round that name the same image thus count once.
     */
    private static Verdict gone(CrawlTarget target, @Nullable KnownUrl known, Gone gone, long version, long nowMillis) {
        int before = known == null ? 0 : known.missing();
        boolean sameRound = known != null && before > 0 && target.discoveredAtMillis() <= known.checkedAtMillis();
        int missing = sameRound ? before : before + 1;
        if (gone.reason() == Reason.NOT_FOUND && missing >= MISSES_UNTIL_GONE) {
            String detail = gone.detail() + ", in " + missing + " rounds";
            return refusal(target, known, Reason.GONE, detail, missing, version, nowMillis);
        }
        return refusal(target, known, gone.reason(), gone.detail(), missing, version, nowMillis);
    }

    private static Verdict image(
            CrawlTarget target, @Nullable KnownUrl known, Fetched fetched, long version, long nowMillis) {
        // whether a later stage rejected the previous bytes is not known here: any earlier observation may have been
        var image = new FetchedImage(target, fetched.bytes(), fetched.sha256(), version);
        var validators = fetched.validators();
        return new Image(
                image,
                new KnownUrl(
                        validators.etag(), validators.lastModified(), fetched.sha256(), version, false, 0, nowMillis));
    }

    private static Verdict refusal(
            CrawlTarget target,
            @Nullable KnownUrl known,
            Reason reason,
            String detail,
            int missing,
            long version,
            long nowMillis) {
        KnownUrl before = known == null ? unknown() : known;
        return new Refusal(
                new Rejection(target, Stage.FETCH, reason, detail, version),
                new KnownUrl(before.etag(), before.lastModified(), before.sha256(), version, true, missing, nowMillis));
    }

    private static KnownUrl unknown() {
        return new KnownUrl(null, null, null, 0, false, 0, 0);
    }
}
