package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;
import java.util.stream.Collectors;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * The near-duplicates behind a hit that stands for several images; what is unknown is left out of an answer.
 *
 * @param id what searches collapse by
 * @param size images of the group that can be found now
 * @param seenOn distinct pages that show one of them, as far as they are known; an estimate beyond 127; null if unknown
 * @param firstSeen when the first of them was found; null if unknown
 * @param canonical id of the best image: the largest, of these the one that was found first; null if it is not known, or
 *     was removed
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record GroupSummary(
        String id,
        long size,
        @JsonProperty("seen_on") @Nullable Long seenOn,
        @JsonProperty("first_seen") @Nullable String firstSeen,
        @Nullable String canonical) {

    /**
     * The job that knows groups learns of a removed image at its next visit; the index at once, so it says what is there.
     *
     * @param bucket of the group's images, with the ids of some of them
     * @param known the group's own document; missing for none
     */
    static GroupSummary of(String id, JsonNode bucket, JsonNode known) {
        Set<String> members = bucket.at("/ids/buckets")
                .valueStream()
                .map(member -> member.path("key").asText())
                .collect(Collectors.toSet());
        long size = bucket.path("doc_count").asLong();
        String canonical = known.path(Field.CANONICAL).asText(null);
        boolean isThere = canonical != null && (members.contains(canonical) || members.size() < size);
        return new GroupSummary(
                id,
                size,
                known.has(Field.SEEN_ON) ? known.path(Field.SEEN_ON).asLong() : null,
                known.path(Field.FIRST_SEEN).asText(null),
                isThere ? canonical : null);
    }
}
