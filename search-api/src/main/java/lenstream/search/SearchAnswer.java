package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of hits, best first.
 *
 * @param tookMs from the request's arrival to its answer, milliseconds
 * @param total hits that can be paged through, all pages together
 * @param cursor leads to the next page; null on the last one
 * @param floor score that the best picture must reach for this text or picture in an index of this size; null if the encoder
 *     was not measured or the search was not by one of them
 * @param nothingMatches whether the best score of all pages is below the floor; null without a floor. By words alone, whether
 *     no image holds one of them
 * @param complete whether these are all images above the least score or cosine; null without one
 * @param facets null if none were asked for
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record SearchAnswer(
        @JsonProperty("took_ms") double tookMs,
        String fingerprint,
        int total,
        @Nullable String cursor,
        @Nullable Double floor,
        @JsonProperty("nothing_matches") @Nullable Boolean nothingMatches,
        @Nullable Boolean complete,
        @Nullable Facets facets,
        List<Hit> hits) {}
