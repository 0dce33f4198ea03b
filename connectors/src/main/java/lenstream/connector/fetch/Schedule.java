package lenstream.connector.fetch;

/**
 * When a known URL is looked at again without discovery naming it. Immutable.
 *
 * @param ring of the {@link RevisitWheel} whose delay is the interval between two visits; 0 before the first
 * @param dueAtMillis when it is to be visited, or forgotten, epoch ms
 * @param filedUntilMillis when the wheel will give it out; 0 if it is not on the wheel. Visits in between move {@code
 *     dueAtMillis} alone: what comes too early is put back
 */
record Schedule(int ring, long dueAtMillis, long filedUntilMillis) {
    static final Schedule NONE = new Schedule(0, 0, 0);

    /** Whether the wheel will give it out at its next turn. */
    boolean isOut(long nowMillis) {
        return filedUntilMillis > 0 && filedUntilMillis <= nowMillis;
    }

    Schedule filed(long untilMillis) {
        return new Schedule(ring, dueAtMillis, untilMillis);
    }
}
