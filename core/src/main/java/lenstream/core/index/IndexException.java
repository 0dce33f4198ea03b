package lenstream.core.index;

/** OpenSearch holds or answers something that this program cannot work with. The message says what to do. */
public sealed class IndexException extends RuntimeException permits IndexUnavailableException {
    private static final long serialVersionUID = 1;

    public IndexException(String message) {
        super(message);
    }

    public IndexException(String message, Throwable cause) {
        super(message, cause);
    }
}
