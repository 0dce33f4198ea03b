package lenstream.connector.opensearch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.Orientation;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.PixelSource;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.image.TextRegion;
import lenstream.core.index.Field;
import lenstream.core.index.Quantisation;
import org.jspecify.annotations.Nullable;

/**
 * The documents of the three indices as UTF-8 JSON on one line, with the fields of {@link
 * lenstream.core.index.IndexLayout}; absent values are left out. Texts longer than {@value #LONGEST_TEXT} characters are
 * cut: they come from the web, and a caption is not a book.
 */
final class DocumentJson {
    static final int LONGEST_TEXT = 4_000;
    /** Lucene refuses a keyword of more than 32,766 bytes; 8,191 characters of UTF-8 always fit. */
    private static final int LONGEST_KEYWORD = 8_191;

    private static final JsonFactory JSON = new JsonFactory();
    private static final ObjectMapper MAPPER = JsonMapper.builder().build();
    private static final List<String> SHARED_FIELDS = List.of(
            Field.ID,
            Field.URL,
            Field.HOST,
            Field.SITE,
            Field.PAGE_URL,
            Field.TITLE,
            Field.ALT,
            Field.CAPTION,
            Field.CREDIT,
            Field.LICENSE,
            Field.VIA,
            Field.PUBLISHED,
            Field.DISCOVERED,
            Field.OBSERVED);

    private interface Content {
        void write(JsonGenerator json) throws IOException;
    }

    private DocumentJson() {}

    /** The document of an embedded image. */
    static byte[] image(
            EmbeddedImage image,
            float[] embedding,
            Quantisation quantisation,
            String fingerprint,
            PixelSource pixels,
            Instant now) {
        return object(512 + embedding.length * 12, json -> {
            target(json, image.target(), image.version());
            json.writeStringField(Field.SHA256, image.sha256());
            json.writeStringField(Field.GROUP_ID, ImageId.contentOf(image.sha256()));
            json.writeStringField(Field.FINGERPRINT, fingerprint);
            text(json, Field.MIME, image.mime(), LONGEST_KEYWORD);
            json.writeNumberField(Field.BYTES, image.encodedBytes());
            json.writeStringField(Field.PIXEL_SOURCE, pixels.value());
            json.writeNumberField(Field.WIDTH, image.width());
            json.writeNumberField(Field.HEIGHT, image.height());
            json.writeNumberField(Field.FRAMES, image.frames());
            json.writeStringField(
                    Field.ORIENTATION,
                    Orientation.of(image.width(), image.height()).word());
            features(json, image.features());
            words(json, image.words());
            json.writeStringField(Field.INDEXED, now.toString());
            json.writeArrayFieldStart(Field.EMBEDDING);
            for (float value : quantisation.values(embedding)) {
                if (quantisation == Quantisation.BYTE) {
                    json.writeNumber((int) value);
                } else {
                    json.writeNumber(value);
                }
            }
            json.writeEndArray();
        });
    }

    /** The document of an image's thumbnail. */
    static byte[] thumbnail(String id, byte[] jpeg) {
        return object(128 + jpeg.length * 4 / 3, json -> {
            json.writeStringField(Field.ID, id);
            json.writeBinaryField(Field.JPEG, jpeg);
        });
    }

    /** The document of an image that will not be indexed. */
    static byte[] rejection(Rejection rejection) {
        return object(512, json -> {
            target(json, rejection.target(), rejection.version());
            refusal(json, rejection.stage(), rejection.reason(), rejection.detail());
        });
    }

    /** Turns an image document that the index refused into the document of its rejection. */
    static byte[] refused(byte[] imageDocument, String detail) {
        try {
            JsonNode image = MAPPER.readTree(imageDocument);
            ObjectNode rejection = MAPPER.createObjectNode();
            for (String field : SHARED_FIELDS) {
                if (image.has(field)) {
                    rejection.set(field, image.get(field));
                }
            }
            rejection.put(Field.STAGE, Stage.INDEX.name());
            rejection.put(Field.REASON, Reason.REFUSED_BY_INDEX.name());
            rejection.put(Field.DETAIL, cut(detail, LONGEST_TEXT));
            return rejection.toString().getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // we wrote it ourselves
        }
    }

    private static void target(JsonGenerator json, CrawlTarget target, long version) throws IOException {
        json.writeStringField(Field.ID, target.id());
        json.writeStringField(Field.URL, target.url());
        text(json, Field.HOST, target.host(), LONGEST_KEYWORD);
        text(json, Field.SITE, target.site(), LONGEST_KEYWORD);
        json.writeStringField(Field.VIA, target.via());
        text(json, Field.PAGE_URL, target.pageUrl(), LONGEST_KEYWORD);
        text(json, Field.TITLE, target.title(), LONGEST_TEXT);
        text(json, Field.ALT, target.alt(), LONGEST_TEXT);
        text(json, Field.CAPTION, target.caption(), LONGEST_TEXT);
        text(json, Field.CREDIT, target.credit(), LONGEST_TEXT);
        text(json, Field.LICENSE, target.license(), LONGEST_TEXT);
        if (target.publishedAtMillis() != CrawlTarget.UNKNOWN_TIME) {
            time(json, Field.PUBLISHED, target.publishedAtMillis());
        }
        time(json, Field.DISCOVERED, target.discoveredAtMillis());
        time(json, Field.OBSERVED, version);
    }

    private static void features(JsonGenerator json, @Nullable PixelFeatures features) throws IOException {
        if (features == null) {
            return;
        }
        text(json, Field.PHASH, features.hashHex(), LONGEST_KEYWORD);
        json.writeArrayFieldStart(Field.COLOR);
        for (String color : features.colors()) {
            json.writeString(color);
        }
        json.writeEndArray();
        json.writeStringField(Field.COLOR_HEX, features.colorHex());
    }

    /** The text as a whole, which is searched, and each line with its box, which is shown. */
    private static void words(JsonGenerator json, List<TextRegion> words) throws IOException {
        if (words.isEmpty()) {
            return;
        }
        text(json, Field.OCR, words.stream().map(TextRegion::text).collect(Collectors.joining("\n")), LONGEST_TEXT);
        json.writeArrayFieldStart(Field.REGIONS);
        for (TextRegion word : words) {
            json.writeStartObject();
            json.writeStringField(Field.LABEL, Field.TEXT);
            json.writeFieldName(Field.BOX);
            json.writeArray(new int[] {word.x(), word.y(), word.width(), word.height()}, 0, 4);
            json.writeNumberField(Field.SCORE, Math.round(word.confidence() * 1e3) / 1e3);
            text(json, Field.TEXT, word.text(), LONGEST_TEXT);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void refusal(JsonGenerator json, Stage stage, Reason reason, String detail) throws IOException {
        json.writeStringField(Field.STAGE, stage.name());
        json.writeStringField(Field.REASON, reason.name());
        json.writeStringField(Field.DETAIL, cut(detail, LONGEST_TEXT));
    }

    private static void time(JsonGenerator json, String field, long epochMillis) throws IOException {
        json.writeStringField(field, Instant.ofEpochMilli(epochMillis).toString());
    }

    private static void text(JsonGenerator json, String field, @Nullable String value, int longest) throws IOException {
        if (value != null) {
            json.writeStringField(field, cut(value, longest));
        }
    }

    /** At most {@code longest} characters, never half of a surrogate pair: a lone half is no valid UTF-8. */
    private static String cut(String text, int longest) {
        String kept = text.length() <= longest
                ? text
                : text.substring(0, Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest);
        if (kept.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
            return kept;
        }
        return new String(kept.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8); // lone halves become "?"
    }

    private static byte[] object(int size, Content content) {
        var bytes = new ByteArrayOutputStream(size);
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            content.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing but memory is written to
        }
        return bytes.toByteArray();
    }
}
