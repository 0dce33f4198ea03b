package lenstream.search;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A search as it was asked for, checked.
 *
 * @param region part of the query image; null for all of it
 * @param k hits of a page
 * @param cursor where the page before ended; null for the first page
 * @param collapse whether images of one group make one hit
 * @param ranking what decides the order, and who is in it
 * @param facets fields whose values are counted
 * @param explain whether each hit says why it was found
 * @param fingerprint the embedding space that the client means; null if it takes what there is
 */
record SearchRequest(
        Query query,
        @Nullable Region region,
        Filter filter,
        int k,
        @Nullable String cursor,
        boolean collapse,
        Ranking ranking,
        List<String> facets,
        boolean explain,
        @Nullable String fingerprint) {
    static final int DEFAULT_K = 24;
    static final int MAX_K = 100;
    static final int MAX_TEXT = 2_000;

    /** Parts of one search: each costs an embedding, and a direction of more is no one's intention. */
    static final int MAX_QUERIES = 16;

    /** What is compared. */
    enum Mode {
        /** Embeddings. */
        VECTOR,
        /** The words of titles, alternative texts and captions. */
        TEXT,
        /** Both, fused by rank. */
        HYBRID
    }

    /**
     * What decides the order.
     *
     * @param minScore hits with a lower score are left out; 0 for none
     * @param minCosine hits with a lower cosine are left out; null for none
     * @param diversity 0 for relevance alone to 1 for difference alone
     * @param recency 0 for no matter how old to 1 for a place among the newest that counts as much as one among the nearest
     */
    record Ranking(Mode mode, double minScore, @Nullable Double minCosine, double diversity, double recency) {
        /** By embeddings, nothing left out. */
        static final Ranking NEAREST = new Ranking(Mode.VECTOR, 0, null, 0, 0);
    }

    /** The same search among other images. */
    SearchRequest among(Filter others) {
        return new SearchRequest(query, region, others, k, cursor, collapse, ranking, facets, explain, fingerprint);
    }

    Mode mode() {
        return ranking.mode();
    }
}
