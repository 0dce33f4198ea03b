package lenstream.client;

import java.time.Duration;

/** The server refused a request, failed at it, or gave no answer. The message says which and what to do. Immutable. */
public final class LensException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** HTTP status; 0 if no answer came. */
    private final int status;

    private final Duration retryAfter;

    LensException(int status, Duration retryAfter, String message) {
        super(message);
        this.status = status;
        this.retryAfter = retryAfter;
    }

    LensException(String message, Throwable cause) {
        super(message, cause);
        this.status = 0;
        this.retryAfter = Duration.ZERO;
    }

    /** The HTTP status of the answer; 0 if none came. */
    public int status() {
        return status;
    }

    /** How long the server asks to be left alone; zero if it does not. */
    public Duration retryAfter() {
        return retryAfter;
    }

    /** Whether the same request may succeed in a moment: the server was busy, not ready, or did not answer. */
    public boolean isTransient() {
        return status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
    }
}
