package lenstream.job.reembed;

/**
 * How many images a second a backfill takes on, so that those who search meanwhile hardly notice: a little more each
 * second while searches take about as long as at their calmest, half as many as soon as they take one and a half times that, and
 * without a bound while nobody searches. Additive increase and multiplicative decrease, as in TCP's congestion avoidance (RFC
 * 5681). Confined to one thread.
 */
final class Pace {
    /** Images a second at the start, while it is not known yet what searches bear. */
    static final double START = 4;

    private static final double LEAST = 2;
    private static final double STEP = 1;
    /** From here on it is not worth to count. */
    private static final double UNBOUNDED = 1_000;

    private static final double TOO_SLOW = 1.5;
    /** Means of fewer searches say little. */
    private static final long ENOUGH = 5;

    private static final double NANOS = 1e9;

    private final double most;
    private double perSecond;
    private double calmMillis = Double.NaN;
    private long nextNanos;
    private boolean begun;

    /** @param most images a second, whatever searches bear; positive, may be infinite */
    Pace(double most) {
        if (!(most > 0)) {
            throw new IllegalArgumentException("rate must be above 0 images a second, not " + most);
        }
        this.most = most;
        this.perSecond = Math.min(START, most);
    }

    /** Images a second at present. */
    double perSecond() {
        return perSecond;
    }

    /**
     * Takes in what the last second or so was like.
     *
     * @param searches that ended in it
     * @param millis that they took together
     */
    void observe(long searches, double millis) {
        if (searches == 0) {
            perSecond = Math.min(most, Math.min(UNBOUNDED, 2 * perSecond));
            return;
        }
        if (searches < ENOUGH) {
            return;
        }
        double mean = millis / searches;
        if (mean > TOO_SLOW * calmMillis) {
            perSecond = Math.max(Math.min(LEAST, most), perSecond / 2);
        } else {
            perSecond = Math.min(most, Math.min(UNBOUNDED, perSecond + STEP));
        }
        // half a millisecond at least: the index counts whole ones
        calmMillis = Math.max(0.5, Double.isNaN(calmMillis) ? mean : Math.min(calmMillis, mean));
    }

    /**
     * Reserves the next image's place.
     *
     * @param nowNanos of a clock that only goes on
     * @return how long to wait before it is taken on
     */
    long reserve(long nowNanos) {
        if (perSecond >= UNBOUNDED) {
            begun = false;
            return 0;
        }
        if (!begun || nextNanos - nowNanos < 0) { // what was not used is not saved up
            nextNanos = nowNanos;
            begun = true;
        }
        long wait = nextNanos - nowNanos;
        nextNanos += (long) (NANOS / perSecond);
        return wait;
    }
}
