package lenstream.search.http;

/** A stage of a search whose time is told. */
public enum Stage {
    EMBED,
    INDEX,
    TOTAL
}
