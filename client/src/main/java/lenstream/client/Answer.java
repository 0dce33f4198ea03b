package lenstream.client;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One page of a search. Immutable.
 *
 * @param tookMs milliseconds that the server worked on it
 * @param fingerprint of the embedding space that was searched
 * @param total hits that can be paged through
 * @param cursor where the next page begins; null on the last one
 * @param floor score that the best hit must reach for this text or picture in an index of this size; null where the server gives none
 * @param nothingMatches whether the best hit of all is below the floor
 * @param hits the best first
 * @param facets what was asked to be counted; null if nothing was
 */
public record Answer(
        double tookMs,
        String fingerprint,
        long total,
        @Nullable String cursor,
        @Nullable Double floor,
        boolean nothingMatches,
        List<Hit> hits,
        @Nullable Facets facets) {

    public Answer {
        hits = hits == null ? List.of() : List.copyOf(hits);
    }

    /** The best hit. */
    public Optional<Hit> best() {
        return hits.stream().findFirst();
    }

    /**
     * Values of fields and how many hits have them.
     *
     * @param countedOver hits that were counted
     * @param fields by field, the most frequent value first
     */
    public record Facets(long countedOver, Map<String, List<Count>> fields) {}

    /** How many hits have a value. */
    public record Count(String value, long count) {}
}
