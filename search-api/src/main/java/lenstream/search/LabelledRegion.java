package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * A part of an image of which something is known.
 *
 * @param box {@code x, y, width, height} in pixels of the image after orientation: what {@code region} takes
 * @param label what it shows: {@code text} for words
 * @param score how certain that is, 0..1
 * @param text its words; null if it has none
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record LabelledRegion(
        List<Integer> box,
        String label,
        double score,
        @Nullable String text) {
    /** Those of a document; null if it has none. */
    static @Nullable List<LabelledRegion> of(JsonNode regions) {
        return regions.isEmpty()
                ? null
                : regions.valueStream().map(LabelledRegion::one).toList();
    }

    private static LabelledRegion one(JsonNode region) {
        JsonNode text = region.get(Field.TEXT);
        return new LabelledRegion(
                region.path(Field.BOX).valueStream().map(JsonNode::asInt).toList(),
                region.path(Field.LABEL).asText(),
                region.path(Field.SCORE).asDouble(),
                text == null ? null : text.asText());
    }
}
