package lenstream.core.image;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Identities of images. An image's document id is the first 128 bits of the SHA-256 of its canonical URL as 32
 * lower-case hex digits: stable over runs, and among 10<sup>12</sup> URLs the chance of one collision is below
 * 10<sup>-14</sup> (birthday bound n<sup>2</sup> / 2<sup>129</sup>).
 */
public final class ImageId {
    private ImageId() {}

    /** The document id of a canonical URL. */
    public static String ofUrl(String canonicalUrl) {
        return HexFormat.of().formatHex(digest(canonicalUrl.getBytes(StandardCharsets.UTF_8)), 0, 16);
    }

    /** The SHA-256 of an image's encoded bytes as 64 lower-case hex digits. */
    public static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(digest(bytes));
    }

    /**
     * The content that an image shows: the first 128 bits of a SHA-256, 32 hex digits. Images of equal bytes show one, and it
     * is the id of their group as long as nothing else looks like them.
     */
    public static String contentOf(String sha256) {
        return sha256.substring(0, 32);
    }

    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
