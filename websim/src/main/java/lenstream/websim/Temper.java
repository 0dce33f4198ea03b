package lenstream.websim;

/** How a host treats its visitors. */
public enum Temper {
    PLAIN,
    /** Answers late. */
    SLOW,
    /** Of every four requests the last fails with 503, though none for the second time in a round. */
    FLAPPING,
    /** Says 429 and {@code Retry-After} to the third request of a round. */
    BUSY,
    /** Its robots.txt asks for twice the usual delay. */
    UNHURRIED,
    /** Has no robots.txt: everything is allowed. */
    NO_ROBOTS,
    /** Its robots.txt fails at first in each round. */
    ROBOTS_LATE,
    /** Its robots.txt fails: nothing may be asked for. */
    ROBOTS_DOWN,
    /** From the second round on its robots.txt fails: what was indexed stays. */
    ROBOTS_DOWN_LATER,
    /** Forbids our token everything. */
    CLOSED,
    /** From the second round on forbids everybody everything: what was indexed goes. */
    CLOSED_LATER,
    /** Does not want to be searched, by Content-Signal. */
    NOT_SEARCHABLE,
    /** Its robots.txt allows all, and everything else fails. */
    DOWN;

    private static final int[] SHARES = {60, 6, 6, 5, 5, 5, 2, 2, 2, 2, 1, 2, 2};

    /** @param percent 0 to 99 */
    static Temper of(int percent) {
        int sum = 0;
        for (Temper temper : values()) {
            sum += SHARES[temper.ordinal()];
            if (percent < sum) {
                return temper;
            }
        }
        throw new IllegalArgumentException("no percentage: " + percent);
    }

    /** Whether its rules let us in, as far as they can be read, in this round. */
    boolean refuses(int round) {
        return this == CLOSED || this == NOT_SEARCHABLE || (this == CLOSED_LATER && round >= 2);
    }

    /** Whether nothing can be had from it in this round, for a reason that may pass. */
    boolean isOut(int round) {
        return this == ROBOTS_DOWN || this == DOWN || (this == ROBOTS_DOWN_LATER && round >= 2);
    }
}
