package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.LongPredicate;
import java.util.function.ToIntFunction;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.Orientation;
import lenstream.core.image.PixelFeatures;
import org.jspecify.annotations.Nullable;

/**
 * Which images an alert may match, asked of an image before it is a document. Keys and meaning are those of a search's
 * filter: {@code host, site, mime, via, license, orientation, color} (one of the values must be met), {@code
 * published_from, published_to, indexed_from, indexed_to} (RFC 3339 time or date; from is included, to is not), {@code
 * min_width, max_width, min_height, max_height} (pixels, included), {@code animated} (true or false). All that are given
 * must be met; what an image does not say meets nothing. An image counts as indexed when it is compared. Immutable.
 */
public final class ImageFilter {
    /** Every image passes. */
    public static final ImageFilter NONE = new ImageFilter(Map.of());

    private static final String ANIMATED = "animated";
    private static final Map<String, Function<EmbeddedImage, List<String>>> TERMS = Map.of(
            "host", image -> List.of(image.target().host()),
            "site", image -> List.of(image.target().site()),
            "mime", image -> optional(image.mime()),
            "via", image -> List.of(image.target().via()),
            "license", image -> optional(image.target().license()),
            "orientation",
                    image -> List.of(
                            Orientation.of(image.width(), image.height()).word()),
            "color", image -> image.features() == null ? List.of() : colors(image.features()));
    private static final Map<String, ToIntFunction<EmbeddedImage>> SIZES = Map.of(
            "min_width", EmbeddedImage::width,
            "max_width", EmbeddedImage::width,
            "min_height", EmbeddedImage::height,
            "max_height", EmbeddedImage::height);
    private static final Set<String> TIMES = Set.of("published_from", "published_to", "indexed_from", "indexed_to");

    /** Every key that is known. */
    public static final Set<String> KEYS = keys();

    private final Map<String, List<String>> values;
    private final List<BiPredicate<EmbeddedImage, Instant>> conditions;

    private ImageFilter(Map<String, List<String>> values) {
        this.values = values;
        this.conditions = values.entrySet().stream()
                .map(entry -> condition(entry.getKey(), entry.getValue()))
                .toList();
    }

    /** @throws IllegalArgumentException with a sentence that names the key that cannot be used */
    public static ImageFilter of(Map<String, List<String>> values) {
        var copy = new LinkedHashMap<String, List<String>>();
        values.forEach((key, texts) -> copy.put(key, List.copyOf(texts)));
        return copy.isEmpty() ? NONE : new ImageFilter(copy);
    }

    /** Reads what {@link #json} wrote, or a search's {@code filter}: values and lists of values. */
    public static ImageFilter ofJson(JsonNode json) {
        var values = new LinkedHashMap<String, List<String>>();
        json.properties().forEach(entry -> {
            var texts = new ArrayList<String>();
            JsonNode value = entry.getValue();
            if (value.isArray()) {
                value.forEach(element -> texts.add(element.asText()));
            } else {
                texts.add(value.asText());
            }
            values.put(entry.getKey(), texts);
        });
        return of(values);
    }

    /** As an object of lists. */
    public ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        values.forEach((key, texts) -> texts.forEach(json.putArray(key)::add));
        return json;
    }

    public boolean isEmpty() {
        return conditions.isEmpty();
    }

    /**
     * Whether an image passes.
     *
     * @param image embedded, not rejected
     * @param now when it is compared
     */
    public boolean accepts(EmbeddedImage image, Instant now) {
        for (BiPredicate<EmbeddedImage, Instant> condition : conditions) {
            if (!condition.test(image, now)) {
                return false;
            }
        }
        return true;
    }

    private static Set<String> keys() {
        var keys = new HashSet<String>(TERMS.keySet());
        keys.addAll(SIZES.keySet());
        keys.addAll(TIMES);
        keys.add(ANIMATED);
        return Set.copyOf(keys);
    }

    private static BiPredicate<EmbeddedImage, Instant> condition(String key, List<String> texts) {
        Function<EmbeddedImage, List<String>> term = TERMS.get(key);
        if (term != null) {
            Set<String> wanted = Set.copyOf(texts);
            return (image, now) -> term.apply(image).stream().anyMatch(wanted::contains);
        }
        if (texts.size() != 1 || !KEYS.contains(key)) {
            throw new IllegalArgumentException("filter." + key
                    + (KEYS.contains(key) ? " needs exactly one value" : " is nothing that an alert can ask for"));
        }
        String text = texts.getFirst();
        ToIntFunction<EmbeddedImage> size = SIZES.get(key);
        if (size != null) {
            IntPredicate fits = bound(key, text);
            return (image, now) -> fits.test(size.applyAsInt(image));
        }
        if (key.equals(ANIMATED)) {
            boolean wanted = Boolean.parseBoolean(text);
            return (image, now) -> (image.frames() > 1) == wanted;
        }
        LongPredicate within = period(key, text);
        return key.startsWith("indexed")
                ? (image, now) -> within.test(now.toEpochMilli())
                : (image, now) -> image.target().publishedAtMillis() != CrawlTarget.UNKNOWN_TIME
                        && within.test(image.target().publishedAtMillis());
    }

    private static IntPredicate bound(String key, String text) {
        try {
            int limit = Integer.parseInt(text);
            return key.startsWith("min") ? pixels -> pixels >= limit : pixels -> pixels <= limit;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("filter." + key + " must be a whole number of pixels", e);
        }
    }

    private static LongPredicate period(String key, String text) {
        try {
            Instant at = text.length() == 10
                    ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
                    : OffsetDateTime.parse(text).toInstant();
            long limit = at.toEpochMilli();
            return key.endsWith("from") ? millis -> millis >= limit : millis -> millis < limit;
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("filter." + key + " must be a date or a time", e);
        }
    }

    private static List<String> optional(@Nullable String text) {
        return text == null ? List.of() : List.of(text);
    }

    private static List<String> colors(@Nullable PixelFeatures features) {
        return features == null ? List.of() : features.colors();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
