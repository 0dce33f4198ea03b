package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Comparator;
import java.util.List;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * The near-duplicates that an image belongs to.
 *
 * @param groupId what searches collapse by
 * @param canonical id of the best image: the largest, of these the one that was found first
 * @param groupSize images of the group that can be found now
 * @param seenOn distinct pages that show one of them, as far as they are known; an estimate beyond 127
 * @param firstSeen when the first of them was found; null if unknown
 * @param members images of the group by id, at most 100
 */
record ImageGroup(
        @JsonProperty("group_id") String groupId,
        String canonical,
        @JsonProperty("group_size") long groupSize,
        @JsonProperty("seen_on") long seenOn,

        @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("first_seen") @Nullable
        String firstSeen,

        List<Hit> members) {

    /** As the job chooses it: the largest picture, then the one that was found first, then the smallest id. */
    private static final Comparator<Hit> BEST = Comparator.comparingLong(
                    (Hit hit) -> -(long) hit.width() * hit.height())
            .thenComparing(Hit::discovered, Comparator.nullsLast(Comparator.naturalOrder()))
            .thenComparing(Hit::id);

    /** @param image document of one of its images */
    static ImageGroup of(JsonNode image, ImageSearch search) {
        String id = image.path(Field.GROUP_ID).asText();
        List<Hit> members = search.members(id).stream().map(Hit::of).toList();
        JsonNode known = search.group(id).orElse(image); // an image that is alone has no document of a group
        // the job learns of a removed image at its next visit, the index at once
        boolean all = members.size() < ImageSearch.MEMBERS;
        String best = known.path(Field.CANONICAL).asText(image.path(Field.ID).asText());
        boolean isGone = all && members.stream().noneMatch(member -> member.id().equals(best));
        String canonical = isGone ? members.stream().min(BEST).map(Hit::id).orElse(best) : best;
        return new ImageGroup(
                id,
                canonical,
                all ? members.size() : Math.max(known.path(Field.GROUP_SIZE).asLong(1), members.size()),
                known.path(Field.SEEN_ON).asLong(1),
                known.path(Field.FIRST_SEEN).asText(image.path(Field.DISCOVERED).asText(null)),
                members);
    }
}
