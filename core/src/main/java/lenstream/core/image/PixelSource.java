package lenstream.core.image;

import java.util.Locale;

/** What the image store holds of an image, and so what another encoder can be given without a download. */
public enum PixelSource {
    /** The encoded bytes as they came. */
    ORIGINAL,
    /** A smaller JPEG; see {@link PixelRules}. */
    COPY,
    /** Nothing. */
    NONE;

    /** As documents have it. */
    public String value() {
        return name().toLowerCase(Locale.ROOT);
    }
}
