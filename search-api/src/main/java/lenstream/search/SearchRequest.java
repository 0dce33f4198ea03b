package lenstream.search;

import org.jspecify.annotations.Nullable;

/**
 * A search as it was asked for, checked.
 *
 * @param region part of the query image; null for all of it
 * @param k hits of a page
 * @param cursor where the page before ended; null for the first page
 * @param collapse whether images of one group make one hit
 */
record SearchRequest(
        Query query,
        @Nullable Region region,
        Filter filter,
        int k,
        @Nullable String cursor,
        boolean collapse,
        Mode mode) {
    static final int DEFAULT_K = 24;
    static final int MAX_K = 100;
    static final int MAX_TEXT = 2_000;

    /** What is compared. */
    enum Mode {
        /** Embeddings. */
        VECTOR,
        /** The words of titles, alternative texts and captions. */
        TEXT,
        /** Both, fused by rank. */
        HYBRID
    }
}
