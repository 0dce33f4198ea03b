package lenstream.connector.fetch;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.image.Reason;

/**
 * When known images are visited again without discovery naming them, and when they are forgotten. An image found as it
 * was waits twice as long, a changed one half as long, one that could not be had comes again soon. Intervals are powers
 * of two of seconds, so that all visits with one interval wait in one line (see {@link RevisitWheel}). Immutable.
 *
 * @param first interval after an image was new
 * @param shortest interval
 * @param longest interval
 * @param forgetAfter how long discovery must not have named a URL that is gone or refused until nothing of it is kept
 */
public record RevisitPolicy(Duration first, Duration shortest, Duration longest, Duration forgetAfter)
        implements Serializable {

    public RevisitPolicy {
        Check.positive("revisit.shortest", shortest);
        Check.positive("revisit.forget_after", forgetAfter);
        if (first.compareTo(shortest) < 0 || longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("revisit must say shortest <= first <= longest");
        }
        if (longest.compareTo(RevisitWheel.LONGEST) > 0 || forgetAfter.compareTo(RevisitWheel.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "revisit.longest and revisit.forget_after may be at most " + RevisitWheel.LONGEST.toDays() + "d");
        }
    }

    /** Between an hour and 30 days (Nutch's default interval); what is gone is remembered for 90 days. */
    public static RevisitPolicy defaults() {
        return new RevisitPolicy(Duration.ofDays(1), Duration.ofHours(1), Duration.ofDays(30), Duration.ofDays(90));
    }

    /**
     * What follows from a visit.
     *
     * @param before the visit
     * @param after it
     * @param namedAtMillis when discovery named the URL last, epoch ms
     */
    Schedule after(Schedule schedule, Observation before, Observation after, long namedAtMillis, long nowMillis) {
        if (!isWorthAVisit(after)) {
            return new Schedule(
                    schedule.ring(),
                    Math.max(nowMillis, namedAtMillis) + forgetAfter.toMillis(),
                    schedule.filedUntilMillis());
        }
        int ring = clamp(ring(schedule, before, after, nowMillis));
        return new Schedule(ring, nowMillis + RevisitWheel.delayMillis(ring), schedule.filedUntilMillis());
    }

    private int ring(Schedule schedule, Observation before, Observation after, long nowMillis) {
        int ring = schedule.ring();
        if (after.state() == UrlState.REJECTED) {
            return before.state() == UrlState.REJECTED ? ring + 1 : RevisitWheel.ringOf(shortest);
        }
        if (ring == 0 || before.state() != UrlState.FETCHED) {
            return RevisitWheel.ringOf(first);
        }
        if (after.version() != before.version()) {
            return ring - 1;
        }
        // discovery may name it all the time: only a visit after a good part of the interval confirms the interval
        boolean confirmed = nowMillis - before.checkedAtMillis() >= RevisitWheel.delayMillis(ring) / 2;
        return confirmed ? ring + 1 : ring;
    }

    private int clamp(int ring) {
        return Math.clamp(ring, RevisitWheel.ringOf(shortest), RevisitWheel.ringOf(longest));
    }

    /** Whether a URL is due to be forgotten. */
    boolean isForgotten(KnownUrl known, long nowMillis) {
        UrlState state = known.last().state();
        return (state == UrlState.GONE || state == UrlState.REJECTED)
                && nowMillis - known.target().discoveredAtMillis() >= forgetAfter.toMillis();
    }

    /** Whether another visit of an unchanged URL can end otherwise. */
    static boolean isWorthAVisit(Observation last) {
        return switch (last.state()) {
            case NEW, FETCHED -> true;
            case GONE -> false;
            case REJECTED -> last.reason() == null || last.reason().retry() == Reason.Retry.LATER;
        };
    }
}
