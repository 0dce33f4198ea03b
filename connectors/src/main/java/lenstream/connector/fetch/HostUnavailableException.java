package lenstream.connector.fetch;

import java.io.IOException;
import lenstream.core.image.Reason;

/** A host that must be left alone for now, by its own wish or after failures. Another attempt later may succeed. */
public final class HostUnavailableException extends IOException {
    private static final long serialVersionUID = 1;

    private final Reason reason;
    private final long delayMillis;

    HostUnavailableException(Reason reason, String message, long delayMillis) {
        super(message);
        this.reason = reason;
        this.delayMillis = delayMillis;
    }

    public Reason reason() {
        return reason;
    }

    /** How long to wait before the next attempt. */
    public long delayMillis() {
        return delayMillis;
    }
}
