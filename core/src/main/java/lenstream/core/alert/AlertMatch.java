package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;

/**
 * An image that met an alert. A document holds no more than this: what the image is about is asked of its own document when
 * the match is shown, so that what was removed since is not. Immutable.
 *
 * @param alert id of the alert
 * @param image id of the image's document
 * @param url of the image, and {@code host} of its site: by these a take-down finds the match
 * @param sha256 of the image's bytes that met it
 * @param cosine of the two embeddings
 * @param fingerprint of their space
 * @param observedAtMillis when the image was fetched, epoch ms: the version of the match
 */
public record AlertMatch(
        String alert,
        String image,
        String url,
        String host,
        String sha256,
        double cosine,
        String fingerprint,
        long observedAtMillis) {
    private static final double ROUNDING = 1e6;

    static AlertMatch of(AlertRule rule, EmbeddedImage image, double cosine) {
        return new AlertMatch(
                rule.alert(),
                image.target().id(),
                image.target().url(),
                image.target().host(),
                image.sha256(),
                cosine,
                rule.fingerprint(),
                image.version());
    }

    /** The same alert and image have the same id: a repetition, and a later match of the same URL, replace themselves. */
    public String id() {
        return ImageId.ofUrl(alert + " " + image);
    }

    /** What is told of once: the image with these bytes met the alert. */
    public String event() {
        return id() + "." + sha256.substring(0, 16);
    }

    /** As a document, UTF-8 on one line. */
    public byte[] json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put(Field.ID, id())
                .put(Field.ALERT, alert)
                .put(Field.IMAGE, image)
                .put(Field.URL, url)
                .put(Field.HOST, host)
                .put(Field.SHA256, sha256)
                .put(Field.COSINE, Math.round(cosine * ROUNDING) / ROUNDING)
                .put(Field.FINGERPRINT, fingerprint)
                .put(Field.OBSERVED, Instant.ofEpochMilli(observedAtMillis).toString())
                .toString()
                .getBytes(StandardCharsets.UTF_8);
    }

    /** Reads what {@link #json} wrote. */
    public static AlertMatch of(JsonNode source) {
        return new AlertMatch(
                source.path(Field.ALERT).asText(),
                source.path(Field.IMAGE).asText(),
                source.path(Field.URL).asText(),
                source.path(Field.HOST).asText(),
                source.path(Field.SHA256).asText(),
                source.path(Field.COSINE).asDouble(),
                source.path(Field.FINGERPRINT).asText(),
                Instant.parse(source.path(Field.OBSERVED).asText()).toEpochMilli());
    }
}
