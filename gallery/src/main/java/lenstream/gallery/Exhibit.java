package lenstream.gallery;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;

/**
 * A published picture as it is served now. Immutable.
 *
 * @param channel what names it beside its album page
 * @param body never written after construction
 * @param modified whole seconds, as HTTP dates are
 */
record Exhibit(
        Picture picture,
        Channel channel,
        byte[] body,
        String mediaType,
        String etag,
        Instant published,
        Instant modified) {
    /** Every picture is on an album page; some are named elsewhere too. */
    enum Channel {
        SITEMAP,
        SITEMAP_GZ,
        FEED,
        PAGE_ONLY;

        static Channel of(int number) {
            return values()[number % values().length];
        }
    }

    static Exhibit of(Picture picture, Channel channel, byte[] body, Instant published) {
        return new Exhibit(picture, channel, body, picture.mediaType(), etag(body), published, published);
    }

    Exhibit replaced(byte[] newBody, String newMediaType, Instant at) {
        return new Exhibit(picture, channel, newBody, newMediaType, etag(newBody), published, at);
    }

    static String etag(byte[] body) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
            return '"' + HexFormat.of().formatHex(digest, 0, 12) + '"';
        } catch (NoSuchAlgorithmException everyJdkHasIt) {
            throw new IllegalStateException(everyJdkHasIt);
        }
    }
}
