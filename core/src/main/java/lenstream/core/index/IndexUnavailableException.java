package lenstream.core.index;

/** OpenSearch gave no answer: it is not running, not reachable or too slow. Another attempt later can succeed. */
public final class IndexUnavailableException extends IndexException {
    private static final long serialVersionUID = 1;

    public IndexUnavailableException(String message) {
        super(message);
    }

    public IndexUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
