package lenstream.connector.fetch;

/**
 * Where a host's queue begins and ends; there is none for an empty queue. Flink state (a POJO).
 *
 * @param head number of the first entry that may exist
 * @param tail one more than the number of the last
 * @param size entries, which may be fewer than {@code tail - head}
 */
public record QueueEnds(long head, long tail, int size) {
    /** In the middle, so that a queue can grow at both ends and no number is ever negative. */
    private static final long MIDDLE = 1L << 40;

    static final QueueEnds EMPTY = new QueueEnds(MIDDLE, MIDDLE, 0);

    QueueEnds prepended() {
        return new QueueEnds(head - 1, tail, size + 1);
    }

    QueueEnds appended() {
        return new QueueEnds(head, tail + 1, size + 1);
    }

    QueueEnds removed(long number) {
        return size <= 1 ? EMPTY : new QueueEnds(number == head ? head + 1 : head, tail, size - 1);
    }

    QueueEnds withoutHead() {
        return new QueueEnds(head + 1, tail, size);
    }
}
