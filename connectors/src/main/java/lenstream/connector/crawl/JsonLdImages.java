package lenstream.connector.crawl;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * Finds {@code schema.org/ImageObject}s in JSON-LD, wherever they are nested, and the addresses that other things, such as
 * articles and products, give as their {@code image}. Thread-safe.
 */
final class JsonLdImages {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int DEEPEST = 20;

    private JsonLdImages() {}

    /** Those of one script element; none if it cannot be read. */
    static List<FoundImage> parse(String script, CanonicalUrl base, CanonicalUrl page) {
        var images = new ArrayList<FoundImage>();
        try {
            collect(JSON.readTree(script), base, page, 0, images);
        } catch (JsonProcessingException e) {
            return List.of(); // broken markup is no reason to lose the page
        }
        return images;
    }

    private static void collect(
            JsonNode node, CanonicalUrl base, CanonicalUrl page, int depth, List<FoundImage> images) {
        if (depth > DEEPEST) {
            return;
        }
        if (node.isObject() && isImage(node.path("@type"))) {
            String url = first(node, "contentUrl", "url");
            if (url != null) {
                base.resolve(url)
                        .ifPresent(at -> images.add(FoundImage.of(at, page, "page")
                                .withTexts(first(node, "name"), null, first(node, "caption", "description"))
                                .withRights(
                                        first(node, "creditText", "creator", "author", "copyrightNotice"),
                                        first(node, "license", "acquireLicensePage"))));
            }
        }
        if (node.isObject()) {
            addresses(node.path("image"), base, page, images);
        }
        for (JsonNode child : node) {
            collect(child, base, page, depth + 1, images);
        }
    }

    /** One address or a list of them; objects among them are met in their own right. */
    private static void addresses(JsonNode image, CanonicalUrl base, CanonicalUrl page, List<FoundImage> images) {
        if (image.isTextual()) {
            base.resolve(image.asText()).ifPresent(at -> images.add(FoundImage.of(at, page, "page")));
        } else if (image.isArray()) {
            image.forEach(one -> {
                if (one.isTextual()) {
                    addresses(one, base, page, images);
                }
            });
        }
    }

    private static boolean isImage(JsonNode type) {
        if (type.isArray()) {
            for (JsonNode one : type) {
                if (isImage(one)) {
                    return true;
                }
            }
        }
        String name = type.asText();
        return name.equals("ImageObject") || name.endsWith("/ImageObject");
    }

    private static @Nullable String first(JsonNode node, String... keys) {
        for (String key : keys) {
            JsonNode value = node.path(key);
            value = value.isArray() ? value.path(0) : value;
            value = value.isObject() ? value.path(value.has("name") ? "name" : "url") : value;
            if (value.isTextual() && !value.asText().isBlank()) {
                return value.asText();
            }
        }
        return null;
    }
}
