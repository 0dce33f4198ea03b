package lenstream.core.image;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Which side of an image is the longer one; equal sides are square. */
public enum Orientation {
    LANDSCAPE,
    PORTRAIT,
    SQUARE;

    /** Every word, as documents and filters spell it. */
    public static final List<String> WORDS =
            Arrays.stream(values()).map(Orientation::word).toList();

    public static Orientation of(int width, int height) {
        return width > height ? LANDSCAPE : width < height ? PORTRAIT : SQUARE;
    }

    /** As documents and filters spell it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
