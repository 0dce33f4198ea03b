package lenstream.core.local;

/**
 * A local service did not start or did not stop. The message's first line is one sentence for people that says what
 * to do; more lines, if any, are the end of the service's log.
 */
public final class LocalServiceException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public LocalServiceException(String message) {
        super(message);
    }

    public LocalServiceException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The sentence alone, without the log. */
    public String sentence() {
        String message = String.valueOf(getMessage());
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
