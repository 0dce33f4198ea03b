package lenstream.search;

import java.util.List;
import java.util.Map;

/**
 * An image in a ranking.
 *
 * @param value by which the list is ordered, falling
 * @param cosine of the image and the query; NaN if the ranking does not know it
 * @param facets values of the fields that are counted
 * @param time milliseconds since 1970 at which it was published, or indexed where that is not known; only read where time counts
 * @param why it stands where it stands
 */
record Ranked(
        String id, String group, double value, double cosine, Map<String, List<String>> facets, long time, Places why) {
    /**
     * Its places in the two rankings that a search can have, from 1; 0 where it is not in one.
     *
     * @param words its BM25 score, 0 without words
     * @param fields in which the words were found
     * @param byTime its place among these images by their time, newest first
     * @param recency what that place adds to the value that decides the order; 0 where time takes no part
     */
    record Places(int byPicture, int byWords, double words, List<String> fields, int byTime, double recency) {
        static Places picture(int place) {
            return new Places(place, 0, 0, List.of(), 0, 0);
        }

        static Places words(int place, double score, List<String> fields) {
            return new Places(0, place, score, fields, 0, 0);
        }

        /** Those of the same image in the other ranking. */
        Places and(Places other) {
            return new Places(
                    Math.max(byPicture, other.byPicture),
                    Math.max(byWords, other.byWords),
                    Math.max(words, other.words),
                    fields.isEmpty() ? other.fields : fields,
                    Math.max(byTime, other.byTime),
                    Math.max(recency, other.recency));
        }

        Places newest(int place, double value) {
            return new Places(byPicture, byWords, words, fields, place, value);
        }
    }

    Ranked withValue(double other) {
        return new Ranked(id, group, other, cosine, facets, time, why);
    }

    /** With its place by time, and what that adds. */
    Ranked newest(double value, int place, double recency) {
        return new Ranked(id, group, value + recency, cosine, facets, time, why.newest(place, recency));
    }
}
