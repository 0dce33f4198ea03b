package lenstream.core.image;

import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the pixels of an image show at first sight, for filters and for finding its copies. Immutable.
 *
 * @param perceptualHash 64 bits that change little when the image is re-encoded, scaled or slightly cropped: the Hamming
 *     distance of two hashes says how alike the images look; null for an image without structure, whose hash would be
 *     noise
 * @param colors names of its main colours, the largest share first; one to three of {@link #COLORS}
 * @param colorHex mean of the pixels of the first colour as {@code #rrggbb}
 */
public record PixelFeatures(@Nullable Long perceptualHash, List<String> colors, String colorHex) {
    /** The names of colours, in a fixed order. */
    public static final List<String> COLORS = List.of(
            "black", "gray", "white", "red", "orange", "brown", "yellow", "green", "teal", "blue", "purple", "pink");

    /** The bits of frequencies that change their sign when a picture is mirrored: those that are odd across. */
    private static final long ODD_ACROSS = 0xAAAA_AAAA_AAAA_AAAAL;

    public PixelFeatures {
        colors = List.copyOf(colors);
        if (colors.isEmpty() || !COLORS.containsAll(colors)) {
            throw new IllegalArgumentException("unknown colours " + colors);
        }
    }

    /**
     * The hash that the mirror image of a picture has (left and right exchanged), up to a few bits: mirroring turns the sign of
     * every second column of its transform, which exchanges bits on either side of the median, and the median lies near zero.
     */
    public static long mirrored(long perceptualHash) {
        return perceptualHash ^ ODD_ACROSS;
    }

    /** The hash as 16 hex digits; null if there is none. */
    public @Nullable String hashHex() {
        return perceptualHash == null ? null : HexFormat.of().toHexDigits(perceptualHash);
    }
}
