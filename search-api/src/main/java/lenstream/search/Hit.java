package lenstream.search;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * An image as answers show it; absent values are left out.
 *
 * @param color names of the main colours, the largest share first
 * @param colorHex mean of the first colour
 * @param ocr the words in the picture, line by line; null where none were found or nobody has read it
 * @param regions its parts of which something is known; null if there are none
 * @param cosine of query and image; null outside of a search
 * @param score calibrated to 0..1; null outside of a search
 * @param groupSize images of the group among the neighbours that were looked at; null outside of a search
 * @param group the near-duplicates that it stands for; null where it is the only one
 * @param thumbnail path of its thumbnail
 * @param why it was found; null unless asked for
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Hit(
        String id,
        String url,
        @JsonProperty("page_url") @Nullable String pageUrl,
        @Nullable String title,
        @Nullable String alt,
        @Nullable String caption,
        @Nullable String credit,
        @Nullable String license,
        String host,
        String site,
        String via,
        String mime,
        int width,
        int height,
        int frames,
        @Nullable String orientation,
        @Nullable List<String> color,
        @JsonProperty("color_hex") @Nullable String colorHex,
        @Nullable String ocr,
        @Nullable List<LabelledRegion> regions,
        @Nullable Double cosine,
        @Nullable Double score,
        String sha256,
        @JsonProperty("group_id") String groupId,
        @JsonProperty("group_size") @Nullable Integer groupSize,
        @Nullable GroupSummary group,
        @Nullable String published,
        @Nullable String discovered,
        @Nullable String observed,
        @Nullable String indexed,
        String fingerprint,
        String thumbnail,
        @Nullable Why why) {
    private static final double ROUNDING = 1e6;

    /** An image outside of a search. */
    static Hit of(JsonNode source) {
        return of(source, null, null, null, null, null);
    }

    static Hit of(
            JsonNode source,
            @Nullable Double cosine,
            @Nullable Double score,
            @Nullable Integer groupSize,
            @Nullable GroupSummary group,
            @Nullable Why why) {
        String id = source.path(Field.ID).asText();
        return new Hit(
                id,
                source.path(Field.URL).asText(),
                text(source, Field.PAGE_URL),
                text(source, Field.TITLE),
                text(source, Field.ALT),
                text(source, Field.CAPTION),
                text(source, Field.CREDIT),
                text(source, Field.LICENSE),
                source.path(Field.HOST).asText(),
                source.path(Field.SITE).asText(),
                source.path(Field.VIA).asText(),
                source.path(Field.MIME).asText(),
                source.path(Field.WIDTH).asInt(),
                source.path(Field.HEIGHT).asInt(),
                source.path(Field.FRAMES).asInt(1),
                text(source, Field.ORIENTATION),
                texts(source, Field.COLOR),
                text(source, Field.COLOR_HEX),
                text(source, Field.OCR),
                LabelledRegion.of(source.path(Field.REGIONS)),
                rounded(cosine),
                rounded(score),
                source.path(Field.SHA256).asText(),
                source.path(Field.GROUP_ID).asText(),
                groupSize,
                group,
                text(source, Field.PUBLISHED),
                text(source, Field.DISCOVERED),
                text(source, Field.OBSERVED),
                text(source, Field.INDEXED),
                source.path(Field.FINGERPRINT).asText(),
                "/v1/images/" + id + "/thumbnail",
                why);
    }

    private static @Nullable String text(JsonNode source, String field) {
        JsonNode value = source.get(field);
        return value == null || value.isNull() ? null : value.asText();
    }

    private static @Nullable List<String> texts(JsonNode source, String field) {
        JsonNode values = source.get(field);
        return values == null
                ? null
                : values.valueStream().map(JsonNode::asText).toList();
    }

    private static @Nullable Double rounded(@Nullable Double value) {
        return value == null ? null : Math.round(value * ROUNDING) / ROUNDING;
    }
}
