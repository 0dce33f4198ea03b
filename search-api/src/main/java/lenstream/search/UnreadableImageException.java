package lenstream.search;

import lenstream.core.image.Reason;

/** A query image that cannot be embedded. */
public final class UnreadableImageException extends Exception {
    private static final long serialVersionUID = 1;

    private final Reason reason;

    public UnreadableImageException(Reason reason, String detail) {
        super(detail);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
