package lenstream.core.web;

import java.io.IOException;
import lenstream.core.image.Reason;

/** A request that brought no usable answer. The message says what was asked for and what happened. */
public final class WebException extends IOException {
    private static final long serialVersionUID = 1;

    private final Reason reason;

    public WebException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public WebException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
