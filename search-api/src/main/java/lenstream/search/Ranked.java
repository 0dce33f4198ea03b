package lenstream.search;

import java.util.List;
import java.util.Map;

/**
 * An image in a ranking.
 *
 * @param value by which the list is ordered, falling
 * @param cosine of the image and the query; NaN if the ranking does not know it
 * @param facets values of the fields that are counted
 * @param why it stands where it stands
 */
record Ranked(String id, String group, double value, double cosine, Map<String, List<String>> facets, Places why) {
    /**
     * Its places in the two rankings that a search can have, from 1; 0 where it is not in one.
     *
     * @param words its BM25 score, 0 without words
     * @param fields in which the words were found
     */
    record Places(int byPicture, int byWords, double words, List<String> fields) {
        static Places picture(int place) {
            return new Places(place, 0, 0, List.of());
        }

        static Places words(int place, double score, List<String> fields) {
            return new Places(0, place, score, fields);
        }

        /** Those of the same image in the other ranking. */
        Places and(Places other) {
            return new Places(
                    Math.max(byPicture, other.byPicture),
                    Math.max(byWords, other.byWords),
                    Math.max(words, other.words),
                    fields.isEmpty() ? other.fields : fields);
        }
    }

    Ranked withValue(double other) {
        return new Ranked(id, group, other, cosine, facets, why);
    }
}
