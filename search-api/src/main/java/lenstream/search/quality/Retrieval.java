package lenstream.search.quality;

import java.util.List;
import java.util.function.IntPredicate;

/**
 * Figures of one kind of search, means over its queries.
 *
 * @param queries that had something to find
 * @param recall1 share that found something right at the first place
 * @param recall5 share that found something right among the first five
 * @param recall10 share that found something right among the first ten
 * @param precision10 share of right ones among the first ten, or among as many as there are right ones if those are fewer
 * @param map mean average precision of the first {@value Searcher#DEPTH}
 */
public record Retrieval(int queries, double recall1, double recall5, double recall10, double precision10, double map) {

    /** Adds up queries. Confined to one thread. */
    static final class Sum {
        private int queries;
        private final int[] found = new int[11]; // by the first right place, 0 for none among ten
        private double precision;
        private double average;

        /**
         * One query's answer.
         *
         * @param ranking best first
         * @param right whether one of it is right
         * @param relevant how many right ones there are to find; a query with none is left out
         */
        void add(List<Integer> ranking, IntPredicate right, int relevant) {
            if (relevant == 0) {
                return;
            }
            queries++;
            int first = 0;
            int hits = 0;
            int amongTen = 0;
            double sum = 0;
            for (int place = 1; place <= ranking.size(); place++) {
                int one = ranking.get(place - 1);
                if (one >= 0 && right.test(one)) {
                    hits++;
                    sum += (double) hits / place;
                    first = first == 0 ? place : first;
                    amongTen += place <= 10 ? 1 : 0;
                }
            }
            found[first <= 10 ? first : 0]++;
            precision += amongTen / (double) Math.min(10, relevant);
            average += sum / Math.min(Searcher.DEPTH, relevant);
        }

        Retrieval means() {
            double all = Math.max(1, queries);
            return new Retrieval(
                    queries, within(1) / all, within(5) / all, within(10) / all, precision / all, average / all);
        }

        private double within(int places) {
            int sum = 0;
            for (int place = 1; place <= places; place++) {
                sum += found[place];
            }
            return sum;
        }
    }
}
