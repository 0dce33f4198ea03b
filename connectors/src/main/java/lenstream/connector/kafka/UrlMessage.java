package lenstream.connector.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import lenstream.connector.crawl.PushOperatorFactory;
import lenstream.connector.source.Arrival;
import lenstream.core.command.Push;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * Reads messages: a URL, or a JSON object with {@code url} and, as far as known, {@code page}, {@code title}, {@code alt},
 * {@code caption}, {@code credit}, {@code license}, {@code published} (ISO 8601) and {@code kind} ({@code image} or {@code
 * page}). Without {@code kind} a URL is an image if it is named like one or a page is said that shows it, else a page or feed
 * to be read. What is none of this is a rejection. Thread-safe.
 */
final class UrlMessage {
    static final String VIA = "kafka";
    private static final int LONGEST = 64 << 10;
    private static final int LONGEST_TEXT = 2_000;
    private static final int SHOWN = 200;
    private static final ObjectMapper JSON = new ObjectMapper();

    private UrlMessage() {}

    /**
     * @param value of the message
     * @param place says which message it is, as a URL
     * @param site of what it leads to
     * @param atMillis when it was written, epoch ms
     */
    static Arrival read(byte[] value, String place, String site, long atMillis) {
        if (value.length > LONGEST) {
            return rejected(place, site, atMillis, "has " + value.length + " bytes, the limit is " + LONGEST);
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(value))
                    .toString()
                    .strip();
        } catch (CharacterCodingException e) {
            return rejected(place, site, atMillis, "is not in UTF-8");
        }
        try {
            return text.startsWith("{") ? object(text, site, atMillis) : plain(text, site, atMillis);
        } catch (IllegalArgumentException e) {
            return rejected(
                    place, site, atMillis, e.getMessage() + ": " + text.substring(0, Math.min(SHOWN, text.length())));
        }
    }

    private static Arrival plain(String text, String site, long atMillis) {
        CanonicalUrl url = url(text);
        return PushOperatorFactory.isNamedLikeAnImage(url)
                ? Arrival.of(target(url, site, JSON.createObjectNode(), atMillis))
                : Arrival.of(Push.of(url, atMillis));
    }

    private static Arrival object(String text, String site, long atMillis) {
        JsonNode json;
        try {
            json = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("is no JSON", e);
        }
        CanonicalUrl url = url(json.path("url").asText());
        String kind = json.path("kind").asText("");
        if (!List.of("", "image", "page").contains(kind)) {
            throw new IllegalArgumentException("kind is neither image nor page");
        }
        boolean image = kind.equals("image")
                || (kind.isEmpty() && (PushOperatorFactory.isNamedLikeAnImage(url) || json.hasNonNull("page")));
        return image ? Arrival.of(target(url, site, json, atMillis)) : Arrival.of(Push.of(url, atMillis));
    }

    private static CanonicalUrl url(String text) {
        Optional<CanonicalUrl> url = text.isEmpty() ? Optional.empty() : CanonicalUrl.of(text);
        return url.orElseThrow(() -> new IllegalArgumentException("names no URL of http or https"));
    }

    private static CrawlTarget target(CanonicalUrl url, String site, JsonNode json, long atMillis) {
        String page = text(json, "page");
        return new CrawlTarget(
                url.value(),
                url.hostAndPort(),
                site,
                page == null
                        ? null
                        : CanonicalUrl.of(page).map(CanonicalUrl::value).orElse(null),
                text(json, "title"),
                text(json, "alt"),
                text(json, "caption"),
                text(json, "credit"),
                text(json, "license"),
                published(json),
                atMillis,
                VIA);
    }

    private static @Nullable String text(JsonNode json, String key) {
        String text = json.path(key).asText("").strip();
        return text.isEmpty() ? null : text.substring(0, Math.min(LONGEST_TEXT, text.length()));
    }

    private static long published(JsonNode json) {
        String text = text(json, "published");
        if (text == null) {
            return CrawlTarget.UNKNOWN_TIME;
        }
        try {
            return Instant.parse(text).toEpochMilli();
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("published is no time such as 2026-01-31T08:00:00Z", e);
        }
    }

    private static Arrival rejected(String place, String site, long atMillis, String why) {
        var target = new CrawlTarget(
                place, site, site, null, null, null, null, null, null, CrawlTarget.UNKNOWN_TIME, atMillis, VIA);
        return Arrival.of(new Rejection(target, Stage.DISCOVER, Reason.BAD_URL, "the message " + why, atMillis));
    }
}
