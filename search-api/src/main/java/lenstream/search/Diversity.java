package lenstream.search;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lenstream.core.index.Cosine;

/**
 * Maximal marginal relevance: every next hit is the one that is relevant and unlike those before it. Source: Carbonell,
 * Goldstein, SIGIR 1998. Stateless.
 *
 * <p>Relevance is first spread over 0..1 within the pool: words and pictures lie on another scale of cosines than pictures
 * among themselves, so that plain cosines would let the likeness of pictures decide alone.
 */
final class Diversity {
    /** Hits that are put in another order; those behind keep their places. Their vectors must be fetched. */
    static final int POOL = 100;

    private Diversity() {}

    /**
     * @param hits best first
     * @param vectors of the first {@link #POOL} hits, unit length, by id; one without takes no part in the likeness
     * @param weight 0 for relevance alone to 1 for difference alone
     * @return the same hits, with values that fall by their new place
     */
    static List<Ranked> order(List<Ranked> hits, Map<String, float[]> vectors, double weight) {
        List<Ranked> pool = hits.subList(0, Math.min(POOL, hits.size()));
        double[] relevance = spread(pool);
        var nearest = new double[pool.size()]; // likeness to the most similar hit chosen so far
        Set<Integer> open = new HashSet<>();
        for (int i = 0; i < pool.size(); i++) {
            open.add(i);
        }
        var ordered = new ArrayList<Ranked>(hits.size());
        while (!open.isEmpty()) {
            int best = -1;
            double highest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < pool.size(); i++) { // in order, so that equal ones keep theirs
                double value = (1 - weight) * relevance[i] - weight * nearest[i];
                if (open.contains(i) && value > highest) {
                    highest = value;
                    best = i;
                }
            }
            open.remove(best);
            ordered.add(pool.get(best));
            float[] chosen = vectors.get(pool.get(best).id());
            for (int i : open) {
                float[] other = vectors.get(pool.get(i).id());
                if (chosen != null && other != null) {
                    nearest[i] = Math.max(nearest[i], Cosine.dot(chosen, other));
                }
            }
        }
        ordered.addAll(hits.subList(pool.size(), hits.size()));
        for (int i = 0; i < ordered.size(); i++) {
            ordered.set(i, ordered.get(i).withValue(ordered.size() - i));
        }
        return ordered;
    }

    private static double[] spread(List<Ranked> pool) {
        double highest = pool.isEmpty() ? 0 : pool.getFirst().value();
        double lowest = pool.isEmpty() ? 0 : pool.getLast().value();
        return pool.stream()
                .mapToDouble(hit -> highest > lowest ? (hit.value() - lowest) / (highest - lowest) : 1)
                .toArray();
    }
}
