package lenstream.websim;

/** What becomes of an image over the rounds, which count from 1. */
public enum Fate {
    CONSTANT,
    /** Other bytes from the second round on. */
    CHANGED,
    /** Appears in the second round. */
    NEW_SECOND,
    /** Appears in the third round. */
    NEW_THIRD,
    /** From the second round on listed, but answered with 404. */
    MISSING,
    /** From the second round on listed, but answered with 410. */
    GONE,
    /** From the second round on neither listed nor there. */
    VANISHED,
    /** Its answer forbids indexing. */
    OPTED_OUT,
    /** The same, from the second round on. */
    OPTED_OUT_LATER,
    /** Lies where the usual robots.txt allows nobody. */
    PRIVATE,
    /** Redirects to a store, in one or two hops. */
    MOVED,
    /** Redirects to itself. */
    LOOP,
    /** A web page in an image's place. */
    HTML,
    /** The bytes of its site's first image under another URL. */
    COPY,
    /** Fails with 503 once in each round. */
    FLAKY,
    /** Fails with 500 always. */
    BROKEN,
    /** The connection ends in the middle of the body. */
    CUT,
    /** No bytes. */
    EMPTY;

    private static final int[] SHARES = {65, 5, 4, 3, 3, 3, 2, 3, 2, 2, 4, 1, 1, 2};

    /** @param percent 0 to 99 */
    static Fate of(int percent) {
        int sum = 0;
        for (int i = 0; i < SHARES.length; i++) {
            sum += SHARES[i];
            if (percent < sum) {
                return values()[i];
            }
        }
        throw new IllegalArgumentException("no percentage: " + percent);
    }

    /** Whether something names it in this round. */
    boolean isListed(int round) {
        return switch (this) {
            case NEW_SECOND -> round >= 2;
            case NEW_THIRD -> round >= 3;
            case VANISHED -> round < 2;
            default -> true;
        };
    }
}
