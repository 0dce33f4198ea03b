package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertMatch;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * Matches as answers, feeds and webhooks show them: with what the image's document says at this moment. A match whose image
 * was taken down, withdrawn or replaced by another is not shown. Thread-safe; blocks on the index.
 */
final class ShownMatches {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double ROUNDING = 1e6;

    private final ActiveSpace spaces;

    ShownMatches(ActiveSpace spaces) {
        this.spaces = spaces;
    }

    /**
     * What is shown of these matches of an alert, by match and in their order.
     *
     * @param base address that paths are resolved against; null leaves them as they are
     */
    Map<String, ObjectNode> of(Alert alert, List<AlertMatch> matches, @Nullable URI base) {
        SearchSpace space = spaces.hold();
        try {
            Map<String, JsonNode> images = space.search()
                    .images(matches.stream().map(AlertMatch::image).toList());
            var shown = new LinkedHashMap<String, ObjectNode>();
            for (AlertMatch match : matches) {
                JsonNode image = images.get(match.image());
                if (image != null && image.path(Field.SHA256).asText().equals(match.sha256())) {
                    shown.put(match.id(), json(alert, match, image, space, base));
                }
            }
            return shown;
        } finally {
            space.release();
        }
    }

    private static ObjectNode json(
            Alert alert, AlertMatch match, JsonNode source, SearchSpace space, @Nullable URI base) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("id", match.id())
                .put("alert", match.alert())
                .put("matched", Instant.ofEpochMilli(match.observedAtMillis()).toString())
                .put("cosine", match.cosine());
        if (match.fingerprint().equals(space.fingerprint().value())) {
            double score = alert.words()
                    ? space.relevance().ofText(match.cosine())
                    : space.relevance().ofImage(match.cosine());
            json.put("score", Math.round(score * ROUNDING) / ROUNDING);
        }
        json.put("fingerprint", match.fingerprint());
        ObjectNode image = JSON.valueToTree(Hit.of(source));
        if (base != null) {
            image.put(
                    "thumbnail", base.resolve(image.path("thumbnail").asText()).toString());
        }
        json.set("image", image);
        return json;
    }
}
