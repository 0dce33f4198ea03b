package lenstream.search.quality;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/**
 * An image and what it shows. Immutable.
 *
 * @param file absolute
 * @param labels words or captions that fit it, at least one
 */
public record LabelledImage(Path file, List<String> labels) {
    public LabelledImage {
        labels = List.copyOf(labels);
    }

    /** Whether one label fits both. */
    public boolean isLike(LabelledImage other) {
        return !Collections.disjoint(labels, other.labels);
    }
}
