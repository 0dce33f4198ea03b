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

/** What follows from one attempt to fetch: what to emit, what to remember, or another attempt. Immutable. */
sealed interface Verdict {
    /** Rounds in a row in which an image was not found before it counts as gone; a 410 needs none. */
    int MISSES_UNTIL_GONE = 2;

    /** New or changed bytes. */
    record Image(FetchedImage image, Observation after) implements Verdict {}

    /** Nothing to index, for a reason. */
    record Refusal(Rejection rejection, Observation after) implements Verdict {}

    /** The image is as it was. */
    record NothingNew(Observation after) implements Verdict {}

    /** A known image did not answer when it was looked at again; nothing follows from that but to come back. */
    record NoAnswer(Observation after, Reason reason, String detail) implements Verdict {}

    /** Another attempt, not before that time (epoch ms). */
    record Again(int attempts, long notBeforeMillis) implements Verdict {}

    /**
     * Decides. The version of what is emitted is the time of observation, at least one more than the URL's last one.
     *
     * @param target that was attempted; its time of discovery says to which round the visit belongs
     * @param entry of the queue to which the attempt belongs
     * @param before what was known
     * @param nowMillis epoch ms
     */
    static Verdict of(
            CrawlTarget target,
            QueueEntry entry,
            Observation before,
            FetchOutcome outcome,
            long nowMillis,
            FetchConfig config) {
        long version = before.nextVersion(nowMillis);
        return switch (outcome) {
            case Fetched fetched -> {
                // whether a later stage rejected the previous bytes is not known here: any earlier one may have been
                var image = new FetchedImage(target, fetched.bytes(), fetched.sha256(), version);
                yield new Image(image, before.fetched(fetched.validators(), fetched.sha256(), version, nowMillis));
            }
            case Unchanged unchanged -> new NothingNew(before.unchanged(unchanged.validators(), nowMillis));
            case Gone gone -> gone(target, before, gone, version, nowMillis);
            case Rejected rejected ->
                refusal(target, before, rejected.reason(), rejected.detail(), 0, version, nowMillis);
            case Deferred deferred -> {
                int failed = entry.attempts() + 1;
                if (failed < config.attempts()
                        && deferred.delayMillis() <= config.patience().toMillis()) {
                    yield new Again(failed, nowMillis + deferred.delayMillis());
                }
                String detail = deferred.detail() + (failed == 1 ? "" : " (attempt " + failed + ")");
                if (entry.revisit() && before.state() == UrlState.FETCHED) {
                    yield new NoAnswer(before.unanswered(nowMillis), deferred.reason(), detail);
                }
                // a server that does not answer says nothing about whether the image is there
                yield refusal(target, before, deferred.reason(), detail, before.missing(), version, nowMillis);
            }
        };
    }

    /**
     * A 404 may be an accident of the moment, so the first one only says so; when a visit that was asked for after it
     * ends the same way, the image is gone. Two resources of one round that name the same image thus count once.
     */
    private static Verdict gone(CrawlTarget target, Observation before, Gone gone, long version, long nowMillis) {
        boolean sameRound = before.missing() > 0 && target.discoveredAtMillis() <= before.checkedAtMillis();
        int missing = sameRound ? before.missing() : before.missing() + 1;
        if (gone.reason() == Reason.NOT_FOUND && (missing >= MISSES_UNTIL_GONE || target.isPushed())) {
            // who pushes says that it was added, changed or deleted: a 404 then is no accident
            String detail = gone.detail() + (target.isPushed() ? ", after a push" : ", in " + missing + " rounds");
            return refusal(target, before, Reason.GONE, detail, missing, version, nowMillis);
        }
        return refusal(target, before, gone.reason(), gone.detail(), missing, version, nowMillis);
    }

    private static Verdict refusal(
            CrawlTarget target,
            Observation before,
            Reason reason,
            String detail,
            int missing,
            long version,
            long nowMillis) {
        UrlState state = reason == Reason.GONE ? UrlState.GONE : UrlState.REJECTED;
        return new Refusal(
                new Rejection(target, Stage.FETCH, reason, detail, version),
                before.refused(state, reason, missing, version, nowMillis));
    }
}
