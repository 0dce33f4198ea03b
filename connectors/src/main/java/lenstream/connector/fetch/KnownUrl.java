package lenstream.connector.fetch;

import lenstream.core.image.CrawlTarget;

/**
 * What is known of one image URL: one row of keyed state. Immutable.
 *
 * @param target the URL with the context in which discovery named it last
 * @param queued its number in the host's queue; {@link #NOT_QUEUED} if it does not wait there
 * @param last what its visits have shown
 * @param next when it is visited again by itself
 * @param ledgerMillis when the ledger was told of it last, epoch ms; 0 for never
 */
record KnownUrl(CrawlTarget target, long queued, Observation last, Schedule next, long ledgerMillis) {
    static final long NOT_QUEUED = -1;

    static KnownUrl named(CrawlTarget target) {
        return new KnownUrl(target, NOT_QUEUED, Observation.NONE, Schedule.NONE, 0);
    }

    boolean isQueued() {
        return queued != NOT_QUEUED;
    }

    KnownUrl withTarget(CrawlTarget newTarget) {
        return new KnownUrl(newTarget, queued, last, next, ledgerMillis);
    }

    /** The same without what is not remembered of its target. */
    KnownUrl withoutMark() {
        return target.mark() == null ? this : withTarget(target.askedAgainAt(target.discoveredAtMillis()));
    }

    /** As if nobody had seen its bytes: the next visit brings them. */
    KnownUrl withUnknownBytes() {
        return new KnownUrl(target, queued, last.withUnknownBytes(), next, ledgerMillis);
    }

    KnownUrl withQueued(long number) {
        return new KnownUrl(target, number, last, next, ledgerMillis);
    }

    KnownUrl withNext(Schedule schedule) {
        return new KnownUrl(target, queued, last, schedule, ledgerMillis);
    }

    /** After a visit, which took it out of the queue. */
    KnownUrl visited(Observation after, Schedule schedule) {
        return new KnownUrl(target, NOT_QUEUED, after, schedule, ledgerMillis);
    }

    KnownUrl withLedger(long toldAtMillis) {
        return new KnownUrl(target, queued, last, next, toldAtMillis);
    }
}
