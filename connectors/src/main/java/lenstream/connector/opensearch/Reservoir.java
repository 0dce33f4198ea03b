package lenstream.connector.opensearch;

import java.util.Arrays;

/** The last {@value #SIZE} values, for percentiles. Thread-safe. */
final class Reservoir {
    static final int SIZE = 4_096;

    private final long[] values = new long[SIZE];
    private long added;

    synchronized void add(long value) {
        values[(int) (added++ % SIZE)] = value;
    }

    /**
     * The smallest value that at least this share of the values does not exceed; 0 if there are none.
     *
     * @param share from 0 to 1
     */
    long percentile(double share) {
        long[] sorted;
        synchronized (this) {
            sorted = Arrays.copyOf(values, (int) Math.min(added, SIZE));
        }
        if (sorted.length == 0) {
            return 0;
        }
        Arrays.sort(sorted);
        return sorted[Math.clamp((long) Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
    }
}
