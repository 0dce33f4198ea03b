package lenstream.search.quality;

import java.util.ArrayList;
import java.util.List;

/**
 * Whether scores mean what they say: of the pairs with a score of about 0.7, 70 % should be right ones.
 *
 * @param bins ten, from score 0 to 1; pairs count by their weight
 * @param error mean distance of score and share, weighted by pairs (expected calibration error)
 */
public record Reliability(List<Bin> bins, double error) {
    private static final int BINS = 10;

    /**
     * Pairs whose score lies between two tenths.
     *
     * @param from lower end of the scores
     * @param pairs how many
     * @param score their mean score; NaN without pairs
     * @param right share of right ones among them; NaN without pairs
     */
    public record Bin(double from, long pairs, double score, double right) {}

    static Reliability of(double[] scores, boolean[] right, double[] weight) {
        var pairs = new long[BINS];
        var mass = new double[BINS];
        var sum = new double[BINS];
        var hits = new double[BINS];
        for (int i = 0; i < scores.length; i++) {
            int bin = Math.min(BINS - 1, (int) (scores[i] * BINS));
            pairs[bin]++;
            mass[bin] += weight[i];
            sum[bin] += weight[i] * scores[i];
            hits[bin] += right[i] ? weight[i] : 0;
        }
        var bins = new ArrayList<Bin>(BINS);
        double all = 0;
        double error = 0;
        for (int b = 0; b < BINS; b++) {
            bins.add(new Bin((double) b / BINS, pairs[b], sum[b] / mass[b], hits[b] / mass[b]));
            all += mass[b];
            error += Math.abs(sum[b] - hits[b]);
        }
        return new Reliability(List.copyOf(bins), error / all);
    }
}
