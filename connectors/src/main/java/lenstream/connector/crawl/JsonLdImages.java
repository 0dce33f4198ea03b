package lenstream.connector.crawl;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * Finds {@code schema.org/ImageObject}s in JSON-LD, wherever they are nested, and the addresses that other things, such as
 * articles and products, give as their {@code image}. An image was published when it says, else when the thing around it
 * was. Thread-safe.
 */
final class JsonLdImages {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int DEEPEST = 20;
    private static final Set<String> PEOPLE = Set.of("publisher", "author", "creator", "sourceOrganization");
    /** What some put around a script for readers that know none. */
    private static final Pattern WRAPPING = Pattern.compile(
            "^\\s*(?:/[/*]\\s*)?(?:<!--|<!\\[CDATA\\[)(?:\\s*\\*/)?|(?:/[/*]\\s*)?(?:-->|]]>)(?:\\s*\\*/)?\\s*$");

    private final CanonicalUrl base;
    private final CanonicalUrl page;
    private final long nowMillis;
    private final List<FoundImage> images = new ArrayList<>();

    private JsonLdImages(CanonicalUrl base, CanonicalUrl page, long nowMillis) {
        this.base = base;
        this.page = page;
        this.nowMillis = nowMillis;
    }

    /** Those of one script element; none if it cannot be read. */
    static List<FoundImage> parse(String script, CanonicalUrl base, CanonicalUrl page, Instant now) {
        var found = new JsonLdImages(base, page, now.toEpochMilli());
        try {
            found.collect(JSON.readTree(WRAPPING.matcher(script).replaceAll("")), CrawlTarget.UNKNOWN_TIME, 0);
        } catch (JsonProcessingException e) {
            return List.of(); // broken markup is no reason to lose the page
        }
        return found.images;
    }

    private void collect(JsonNode node, long outerPublished, int depth) {
        if (depth > DEEPEST) {
            return;
        }
        long own = Dates.parse(first(node, "datePublished", "uploadDate"), nowMillis);
        long published = own == CrawlTarget.UNKNOWN_TIME ? outerPublished : own;
        if (node.isObject() && isImage(node.path("@type"))) {
            String url = first(node, "contentUrl", "url");
            if (url != null) {
                base.resolve(url)
                        .ifPresent(at -> images.add(FoundImage.of(at, page, "page")
                                .withPublished(published, 0)
                                .withTexts(first(node, "name"), null, first(node, "caption", "description"))
                                .withRights(
                                        first(node, "creditText", "creator", "author", "copyrightNotice"),
                                        first(node, "license", "acquireLicensePage"))));
            }
        }
        if (node.isObject()) {
            addresses(node.path("image"), published);
        }
        if (node.isObject()) { // who published is older than what
            node.properties()
                    .forEach(child -> collect(
                            child.getValue(),
                            PEOPLE.contains(child.getKey()) ? CrawlTarget.UNKNOWN_TIME : published,
                            depth + 1));
        } else {
            node.forEach(child -> collect(child, published, depth + 1));
        }
    }

    /** One address or a list of them; objects among them are met in their own right. */
    private void addresses(JsonNode image, long published) {
        if (image.isTextual()) {
            base.resolve(image.asText())
                    .ifPresent(at -> images.add(FoundImage.of(at, page, "page").withPublished(published, 0)));
        } else if (image.isArray()) {
            image.forEach(one -> {
                if (one.isTextual()) {
                    addresses(one, published);
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
