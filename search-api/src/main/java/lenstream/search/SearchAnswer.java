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
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record SearchAnswer(
        @JsonProperty("took_ms") double tookMs,
        String fingerprint,
        int total,
        @Nullable String cursor,
        List<Hit> hits) {}
