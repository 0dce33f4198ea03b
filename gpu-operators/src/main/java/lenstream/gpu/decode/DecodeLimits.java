package lenstream.gpu.decode;

import java.io.Serializable;
import lenstream.core.config.Check;

/**
 * What a decoder refuses before it allocates anything.
 *
 * @param maxPixels width times height, from the header; at most 700 million, so that RGB bytes fit one array
 * @param maxAspectRatio longer side over shorter side; above it nothing that an encoder could see is left
 * @param maxBytes length of the encoded image
 */
public record DecodeLimits(long maxPixels, int maxAspectRatio, long maxBytes) implements Serializable {
    private static final DecodeLimits DEFAULTS = new DecodeLimits(200_000_000, 200, 64L << 20);

    public DecodeLimits {
        Check.range("max_pixels", maxPixels, 1, 700_000_000);
        Check.range("max_aspect_ratio", maxAspectRatio, 1, 100_000);
        Check.range("max_bytes", maxBytes, 1, Integer.MAX_VALUE);
    }

    /** 200 million pixels, 200 : 1, 64 MiB. */
    public static DecodeLimits defaults() {
        return DEFAULTS;
    }

    /** These with the limits that a person sets for one image. */
    public DecodeLimits with(long pixels, long bytes) {
        return new DecodeLimits(pixels, maxAspectRatio, bytes);
    }
}
