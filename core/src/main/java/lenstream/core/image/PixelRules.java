package lenstream.core.image;

import java.io.Serializable;
import lenstream.core.config.Check;

/**
 * What is kept of a fetched image. Up to {@code originalBytes} the encoded bytes themselves; beyond, a JPEG whose shorter
 * side has at most {@code shorterSide} pixels. Immutable.
 *
 * @param keep whether anything is kept
 * @param originalBytes longest original that is kept as it is
 * @param shorterSide of a copy, in pixels; smaller pictures keep their size. Twice the largest input of the CLIP, SigLIP
 *     and MobileCLIP families that a bundle can hold: SigLIP 2 reads 512 x 512, so that every one of them still scales
 *     down by two or more and its resampling, not the copy's, decides what it sees
 * @param quality of the JPEG, 1 to 100
 */
public record PixelRules(boolean keep, long originalBytes, int shorterSide, int quality) implements Serializable {
    /** Keeps nothing. */
    public static final PixelRules NONE = new PixelRules(false, 1, 1, 1);

    public PixelRules {
        Check.range("original_bytes", originalBytes, 1, 1L << 30);
        Check.range("shorter_side", shorterSide, 1, 16_384);
        Check.range("quality", quality, 1, 100);
    }

    /** Originals up to 1 MiB, else copies of 1024 pixels and quality 92. */
    public static PixelRules defaults() {
        return new PixelRules(true, 1 << 20, 1024, 92);
    }

    /** A small copy of every image, by which an encoder knows it again: 512 pixels and quality 90. */
    public static PixelRules recognisable() {
        return new PixelRules(true, 1, 512, 90);
    }

    /** What becomes of an encoded image of this length. */
    public PixelSource sourceOf(long bytes) {
        if (!keep) {
            return PixelSource.NONE;
        }
        return bytes <= originalBytes ? PixelSource.ORIGINAL : PixelSource.COPY;
    }
}
