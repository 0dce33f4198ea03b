package lenstream.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Times two ways of doing the same work in turn, so that a machine that slows down hits both: each round runs one after
 * the other, every second round in reverse order, and gives one ratio.
 *
 * @param baseline rates of the rounds, items a second, ascending
 * @param contender likewise
 * @param ratios the contender's rate by the baseline's of the same round, ascending
 */
record Alternation(List<Double> baseline, List<Double> contender, List<Double> ratios) {

    /**
     * Measures after warming both up.
     *
     * @param items of work in one call
     * @param calls of each side in a round
     */
    static Alternation of(Runnable baseline, Runnable contender, int items, int calls, int warmUps, int rounds) {
        for (int i = 0; i < warmUps; i++) {
            rate(baseline, items, calls);
            rate(contender, items, calls);
        }
        var baselines = new ArrayList<Double>();
        var contenders = new ArrayList<Double>();
        var ratios = new ArrayList<Double>();
        for (int i = 0; i < rounds; i++) {
            boolean first = i % 2 == 0;
            double one = rate(first ? baseline : contender, items, calls);
            double two = rate(first ? contender : baseline, items, calls);
            baselines.add(first ? one : two);
            contenders.add(first ? two : one);
            ratios.add(first ? two / one : one / two);
        }
        return new Alternation(sorted(baselines), sorted(contenders), sorted(ratios));
    }

    private static double rate(Runnable side, int items, int calls) {
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            side.run();
        }
        return 1e9 * items * calls / (System.nanoTime() - start);
    }

    private static List<Double> sorted(List<Double> values) {
        return values.stream().sorted().toList();
    }

    /** A value of an ascending list below which a share of it lies. */
    static double quantile(List<Double> ascending, double share) {
        return ascending.get((int) Math.min(ascending.size() - 1, Math.floor(share * ascending.size())));
    }

    /** Cells of a Markdown row: both median rates, the median ratio and its first to ninth decile. */
    String cells() {
        return String.format(
                Locale.ROOT,
                "%.1f | %.1f | %.3f | %.3f to %.3f",
                quantile(baseline, 0.5),
                quantile(contender, 0.5),
                quantile(ratios, 0.5),
                quantile(ratios, 0.1),
                quantile(ratios, 0.9));
    }
}
