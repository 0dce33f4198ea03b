package lenstream.search.quality;

import java.util.Arrays;

/**
 * How well a figure tells what is there from what is not, whatever the threshold.
 *
 * @param auc chance that something that is there has the higher figure of the two (area under the ROC curve); 0.5 is guessing
 * @param refusedAt5 share of what is not there that is refused by the threshold that denies 5 % of what is there
 * @param refusedAt10 the same where 10 % are denied
 */
public record Separation(double auc, double refusedAt5, double refusedAt10) {
    /**
     * @param present figures of what is there, at least one
     * @param absent figures of what is not, at least one
     */
    static Separation of(double[] present, double[] absent) {
        double[] there = present.clone();
        double[] not = absent.clone();
        Arrays.sort(there);
        Arrays.sort(not);
        double wins = 0;
        int below = 0;
        int upTo = 0;
        for (double value : there) { // both rise, so both places do
            while (below < not.length && not[below] < value) {
                below++;
            }
            upTo = Math.max(upTo, below);
            while (upTo < not.length && not[upTo] <= value) {
                upTo++;
            }
            wins += (below + upTo) / 2.0;
        }
        return new Separation(wins / there.length / not.length, refused(there, not, 0.05), refused(there, not, 0.1));
    }

    private static double refused(double[] there, double[] not, double denied) {
        double threshold = there[(int) (denied * there.length)];
        return (double) Arrays.stream(not).filter(value -> value < threshold).count() / not.length;
    }
}
