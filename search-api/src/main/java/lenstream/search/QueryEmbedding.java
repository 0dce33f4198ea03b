package lenstream.search;

import java.util.Map;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;

/** Makes vectors of what people send. Thread-safe; does not own its parts. */
final class QueryEmbedding {
    private static final String ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8";

    private final QueryEncoder encoder;
    private final TextCache cache;
    private final WebClient web;

    QueryEmbedding(QueryEncoder encoder, TextCache cache, WebClient web) {
        this.encoder = encoder;
        this.cache = cache;
        this.web = web;
    }

    float[] ofText(String text) {
        return cache.get(text, encoder::embedText);
    }

    float[] ofImage(byte[] encoded, @Nullable Region region) {
        if (encoded.length == 0) {
            throw ProblemException.badRequest(
                    "The image is empty: send the bytes of a JPEG, PNG, WebP, GIF or AVIF file.");
        }
        try {
            return encoder.embedImage(encoded, region);
        } catch (UnreadableImageException e) {
            throw problem(e);
        }
    }

    float[] ofImageUrl(String text, @Nullable Region region) {
        CanonicalUrl url = CanonicalUrl.of(text)
                .orElseThrow(
                        () -> ProblemException.badRequest("image_url must be an http or https address of an image."));
        try {
            WebResponse response = web.fetch(url, Map.of("Accept", ACCEPT));
            if (response.status() != 200) {
                throw ProblemException.impossible("image_url answered " + response.status()
                        + ": check that the address leads to a public image.");
            }
            return ofImage(response.body(), region);
        } catch (WebException e) {
            String detail = e.reason() == Reason.ADDRESS_DENIED
                    ? "image_url leads to an address that this server must not reach; send the image itself instead."
                    : "image_url cannot be fetched (" + e.getMessage() + "); send the image itself instead.";
            throw ProblemException.impossible(detail);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ProblemException.unavailable("The server is stopping.");
        }
    }

    private static ProblemException problem(UnreadableImageException e) {
        String detail = "The image cannot be read: " + e.getMessage();
        return switch (e.reason()) {
            case TOO_LARGE, TOO_MANY_PIXELS -> ProblemException.tooLarge(detail + ". Send a smaller one.");
            case EMPTY, NOT_AN_IMAGE, UNSUPPORTED_FORMAT ->
                ProblemException.notAnImage(detail + ". Send a JPEG, PNG, WebP, GIF or AVIF file.");
            default -> ProblemException.impossible(detail + ". Send another image.");
        };
    }
}
