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

    public PixelFeatures {
        colors = List.copyOf(colors);
        if (colors.isEmpty() || !COLORS.containsAll(colors)) {
            throw new IllegalArgumentException("unknown colours " + colors);
        }
    }

    /** The hash as 16 hex digits; null if there is none. */
    public @Nullable String hashHex() {
        return perceptualHash == null ? null : HexFormat.of().toHexDigits(perceptualHash);
    }
}
