package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Why an image was found. Time is named where it took part in the order.
 *
 * @param picture its part as a picture; null if it was found by its words alone
 * @param words its part by its words; null if it was found as a picture alone
 * @param recency its part by its time; null if that was not asked for
 * @param parts what each of several queries adds to the cosine; null for a single query
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Why(
        @Nullable Picture picture,
        @Nullable Words words,
        @Nullable Recency recency,
        @Nullable List<Part> parts) {
    /**
     * @param rank among the nearest pictures, from 1
     * @param share of the value that decides the order, 0..1
     */
    record Picture(int rank, double share) {}

    /**
     * @param rank among the images whose words match, from 1
     * @param share of the value that decides the order, 0..1
     * @param score BM25
     * @param fields in which the words were found
     */
    record Words(int rank, double share, double score, List<String> fields) {}

    /**
     * @param rank among the images that were found, newest first, from 1
     * @param share of the value that decides the order, 0..1
     */
    record Recency(int rank, double share) {}

    /**
     * @param cosine of the image and this query
     * @param share what it adds to the hit's cosine; the shares of all parts make it up
     */
    record Part(@JsonProperty("query") String query, double weight, double cosine, double share) {}

    /**
     * @param direction of the query, whose parts are compared with the image
     * @param vector of the image; null if the query has no parts
     */
    static Why of(Ranked.Places places, Direction direction, float @Nullable [] vector) {
        double picture = places.byPicture() == 0 ? 0 : ImageSearch.share(places.byPicture());
        double words = places.byWords() == 0 ? 0 : ImageSearch.share(places.byWords());
        List<Part> parts = null;
        if (vector != null && !direction.parts().isEmpty()) {
            parts = new ArrayList<>();
            for (Direction.Part part : direction.parts()) {
                double cosine = lenstream.core.index.Cosine.dot(part.unit(), vector);
                parts.add(new Part(
                        part.label(),
                        part.weight(),
                        rounded(cosine),
                        rounded(part.weight() * cosine / direction.length())));
            }
        }
        double all = picture + words + places.recency();
        return new Why(
                places.byPicture() == 0 ? null : new Picture(places.byPicture(), rounded(picture / all)),
                places.byWords() == 0
                        ? null
                        : new Words(places.byWords(), rounded(words / all), rounded(places.words()), places.fields()),
                places.byTime() == 0 ? null : new Recency(places.byTime(), rounded(places.recency() / all)),
                parts);
    }

    private static double rounded(double value) {
        return Math.round(value * 1e6) / 1e6;
    }
}
