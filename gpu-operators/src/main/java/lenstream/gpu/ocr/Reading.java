package lenstream.gpu.ocr;

import java.util.List;
import lenstream.core.image.TextRegion;

/**
 * What was read of one picture. Immutable.
 *
 * @param words in reading order: from top to bottom, and on one height from left to right
 * @param complete whether no limit cut it short
 */
public record Reading(List<TextRegion> words, boolean complete) {
    public Reading {
        words = List.copyOf(words);
    }
}
