package lenstream.search;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What to search for. */
sealed interface Query {
    /** Words. */
    record Text(String text) implements Query {}

    /** An encoded image; never written to after construction. */
    record Image(byte[] encoded) implements Query {}

    /** An image on the web. */
    record ImageUrl(String url) implements Query {}

    /** An image of the index, which is left out of the answer. */
    record Id(String id) implements Query {}

    /** An embedding; any length but zero, it is normalised. */
    record Vector(float[] values) implements Query {}

    /** Several queries at once: the direction of the weighted sum of their unit vectors. */
    record Weighted(List<Part> parts) implements Query {}

    /**
     * One of several queries.
     *
     * @param query any but {@link Weighted}
     * @param region part of the query's image; null for all of it
     * @param weight -1 to 1, not 0; a negative one leads away
     */
    record Part(Query query, @Nullable Region region, double weight) {}

    /**
     * Whether words decide what is found: then scores are those of words, else those of pictures. Of several queries those
     * decide that the search is led to with more weight, or away from if it is led to none.
     */
    default boolean ofWords() {
        return switch (this) {
            case Text text -> true;
            case Weighted(List<Part> parts) -> {
                boolean toward = parts.stream().anyMatch(part -> part.weight() > 0);
                double words = 0;
                for (Part part : parts) {
                    double weight = toward ? Math.max(0, part.weight()) : -part.weight();
                    words += part.query().ofWords() ? weight : -weight;
                }
                yield words > 0;
            }
            case Image image -> false;
            case ImageUrl url -> false;
            case Id id -> false;
            case Vector vector -> false;
        };
    }

    /** Images of the index that are asked about, and so are no answer. */
    default List<String> ids() {
        return switch (this) {
            case Id(String id) -> List.of(id);
            case Weighted(List<Part> parts) ->
                parts.stream().flatMap(part -> part.query().ids().stream()).toList();
            case Text text -> List.of();
            case Image image -> List.of();
            case ImageUrl url -> List.of();
            case Vector vector -> List.of();
        };
    }
}
