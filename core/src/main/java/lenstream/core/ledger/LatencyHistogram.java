package lenstream.core.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * How long things took, counted in classes of equal ratio, eight a doubling: a percentile is off by 4.4 % at most,
 * whatever its size, and histograms of many places add up. From a millisecond to two years. Thread-safe.
 */
public final class LatencyHistogram {
    private static final int CLASSES_A_DOUBLING = 8;
    private static final int CLASSES = CLASSES_A_DOUBLING * 36 + 1;

    private final long[] counts = new long[CLASSES];
    private long total;

    /** Counts one; what took no time, or less by the clocks' disagreement, counts as a millisecond. */
    public synchronized void add(long millis) {
        counts[classOf(millis)]++;
        total++;
    }

    public void add(LatencyHistogram other) {
        long[] theirs;
        synchronized (other) {
            theirs = other.counts.clone();
        }
        synchronized (this) {
            for (int i = 0; i < CLASSES; i++) {
                counts[i] += theirs[i];
                total += theirs[i];
            }
        }
    }

    public synchronized long count() {
        return total;
    }

    /**
     * The time that at least this share did not exceed, in milliseconds; 0 if nothing was counted.
     *
     * @param share from 0 to 1
     */
    public synchronized double percentileMillis(double share) {
        long rank = Math.max(1, (long) Math.ceil(share * total));
        long seen = 0;
        for (int i = 0; i < CLASSES; i++) {
            seen += counts[i];
            if (seen >= rank) {
                return middle(i);
            }
        }
        return 0;
    }

    /** The mean, as exact as the classes are; 0 if nothing was counted. */
    public synchronized double meanMillis() {
        double sum = 0;
        for (int i = 0; i < CLASSES; i++) {
            sum += counts[i] * middle(i);
        }
        return total == 0 ? 0 : sum / total;
    }

    /** The classes that hold something, by number. */
    synchronized ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (int i = 0; i < CLASSES; i++) {
            if (counts[i] > 0) {
                json.put(Integer.toString(i), counts[i]);
            }
        }
        return json;
    }

    static LatencyHistogram of(JsonNode json) {
        var histogram = new LatencyHistogram();
        json.properties().forEach(held -> {
            int i = Math.clamp(Integer.parseInt(held.getKey()), 0, CLASSES - 1);
            histogram.counts[i] += held.getValue().asLong();
            histogram.total += held.getValue().asLong();
        });
        return histogram;
    }

    private static double middle(int i) {
        return i == 0 ? 1 : Math.exp((i - 0.5) / CLASSES_A_DOUBLING * Math.log(2));
    }

    private static int classOf(long millis) {
        if (millis <= 1) {
            return 0;
        }
        return Math.min(CLASSES - 1, (int) Math.ceil(CLASSES_A_DOUBLING * Math.log(millis) / Math.log(2)));
    }
}
