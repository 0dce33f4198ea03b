package lenstream.core.image;

/** The stage of the pipeline at which something happened to an image. */
public enum Stage {
    DISCOVER,
    FETCH,
    DECODE,
    PREPROCESS,
    EMBED,
    INDEX
}
