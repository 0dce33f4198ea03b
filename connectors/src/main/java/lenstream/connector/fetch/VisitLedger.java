package lenstream.connector.fetch;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * What the ledger is told of visits. Visits in a row that end alike share a line; it is written at the first of them and
 * then at most once an hour, so that being named all the time costs little.
 */
final class VisitLedger {
    private static final long REPEAT_MILLIS = TimeUnit.HOURS.toMillis(1);

    private VisitLedger() {}

    /** Whether a visit that ended like this is written down. */
    static boolean tells(KnownUrl before, Observation after, long nowMillis) {
        boolean isFirst = after.times() == 1 && after.version() != before.last().version();
        return isFirst || nowMillis - before.ledgerMillis() >= REPEAT_MILLIS;
    }

    /** That a new URL has to wait. */
    static LedgerEntry waiting(CrawlTarget target, int others, long nowMillis) {
        String detail =
                others + (others == 1 ? " other image of " : " other images of ") + target.host() + " before it";
        return new LedgerEntry(
                target, "waiting", Stage.DISCOVER, Outcome.WAITING, null, detail, null, nowMillis, nowMillis, 1, 0);
    }

    /** That a take-down covers it. */
    static LedgerEntry takenDown(CrawlTarget target, long nowMillis) {
        return new LedgerEntry(
                target,
                "taken-down",
                Stage.DISCOVER,
                Outcome.TAKEN_DOWN,
                null,
                "a take-down covers it: it is neither fetched nor indexed",
                null,
                nowMillis,
                nowMillis,
                1,
                0);
    }

    /**
     * How a visit ended.
     *
     * @param before the visit
     * @param after it
     * @param robots what robots.txt says; null if it was not asked
     * @param tookMillis that the fetch took
     */
    static LedgerEntry of(
            KnownUrl before,
            KnownUrl after,
            Verdict verdict,
            @Nullable String robots,
            long tookMillis,
            long nowMillis) {
        Observation now = after.last();
        long next = RevisitPolicy.isWorthAVisit(now) ? after.next().dueAtMillis() : 0;
        Line line = switch (verdict) {
            case Verdict.Image image ->
                new Line(
                        before.last().sha256() == null ? Outcome.NEW : Outcome.CHANGED,
                        null,
                        String.format(
                                Locale.ROOT,
                                "%,d bytes in %.2f s",
                                image.image().bytes().length,
                                tookMillis / 1e3));
            case Verdict.NothingNew nothing -> new Line(Outcome.UNCHANGED, null, "the same as before");
            case Verdict.Refusal refusal ->
                new Line(
                        now.state() == UrlState.GONE ? Outcome.GONE : Outcome.REJECTED,
                        refusal.rejection().reason(),
                        refusal.rejection().detail());
            case Verdict.NoAnswer silence -> new Line(Outcome.NO_ANSWER, silence.reason(), silence.detail());
            case Verdict.Again again -> throw new IllegalArgumentException("the visit has not ended");
        };
        boolean isRun = line.outcome() != Outcome.NO_ANSWER;
        String key = line.outcome() == Outcome.UNCHANGED || line.outcome() == Outcome.NO_ANSWER
                ? line.outcome().label()
                : "visit";
        return new LedgerEntry(
                after.target(),
                key + "-" + Long.toString(now.sinceMillis(), Character.MAX_RADIX),
                Stage.FETCH,
                line.outcome(),
                line.reason(),
                line.detail(),
                robots,
                nowMillis,
                isRun ? now.sinceMillis() : nowMillis,
                isRun ? now.times() : 1,
                next);
    }

    private record Line(Outcome outcome, @Nullable Reason reason, String detail) {}
}
