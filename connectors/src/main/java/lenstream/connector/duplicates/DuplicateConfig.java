package lenstream.connector.duplicates;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;

/**
 * What counts as a near-duplicate, and how long it is looked for.
 *
 * @param distance greatest Hamming distance of two perceptual hashes
 * @param cosine least cosine of two embeddings
 * @param remembered how long an image that is not seen again can still be found by its copies
 */
public record DuplicateConfig(int distance, double cosine, Duration remembered) implements Serializable {
    public DuplicateConfig {
        Check.range("distance", distance, 0, 16);
        if (!(cosine > 0 && cosine <= 1)) {
            throw new IllegalArgumentException("cosine must be above 0 and at most 1, not " + cosine);
        }
        Check.positive("remembered", remembered);
    }

    /** Distance 10, as measured on the gallery (PERFORMANCE.md), cosine 0.9, 180 days. */
    public static DuplicateConfig defaults() {
        return new DuplicateConfig(10, 0.9, Duration.ofDays(180));
    }
}
