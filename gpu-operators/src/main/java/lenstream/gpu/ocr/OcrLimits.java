package lenstream.gpu.ocr;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;

/**
 * How much of a picture is read. Immutable.
 *
 * @param maxSide longest side in pixels at which lines are looked for; a larger picture is scaled down for it, and its
 *     lines are still cut out of the larger one
 * @param maxLines that are read of one picture, the most certain ones first
 * @param maxCharacters that are kept of one picture
 * @param minConfidence mean probability of its characters that a line needs
 * @param maxTime after which no further line of a picture is read
 */
public record OcrLimits(int maxSide, int maxLines, int maxCharacters, double minConfidence, Duration maxTime)
        implements Serializable {
    private static final OcrLimits DEFAULTS = new OcrLimits(960, 100, 4_000, 0.6, Duration.ofSeconds(10));

    public OcrLimits {
        Check.range("max_side", maxSide, 32, 4096);
        Check.range("max_lines", maxLines, 1, 1_000);
        Check.range("max_characters", maxCharacters, 1, 100_000);
        if (!(minConfidence >= 0 && minConfidence <= 1)) {
            throw new IllegalArgumentException("min_confidence must be 0 to 1, not " + minConfidence);
        }
        Check.positive("max_time", maxTime);
    }

    /** 960 pixels, 100 lines, 4,000 characters, 0.6, 10 s. */
    public static OcrLimits defaults() {
        return DEFAULTS;
    }

    /** These with another side at which lines are looked for. */
    public OcrLimits withMaxSide(int pixels) {
        return new OcrLimits(pixels, maxLines, maxCharacters, minConfidence, maxTime);
    }
}
