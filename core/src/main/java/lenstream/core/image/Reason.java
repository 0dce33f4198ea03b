package lenstream.core.image;

/**
 * Why an image was rejected, sorted by who can act on it. {@link #retry()} says whether another attempt with the same
 * URL can end otherwise.
 */
public enum Reason {
    // the site said no, or is not there
    NOT_FOUND(Retry.LATER),
    GONE(Retry.NEVER),
    FORBIDDEN(Retry.LATER),
    RATE_LIMITED(Retry.LATER),
    SERVER_ERROR(Retry.LATER),
    UNEXPECTED_STATUS(Retry.LATER),
    // the way there
    TIMEOUT(Retry.LATER),
    CONNECTION_FAILED(Retry.LATER),
    TRUNCATED_RESPONSE(Retry.LATER),
    TOO_MANY_REDIRECTS(Retry.NEVER),
    // rules and safety
    ROBOTS_DENIED(Retry.LATER),
    ADDRESS_DENIED(Retry.NEVER),
    TAKEN_DOWN(Retry.NEVER),
    BAD_URL(Retry.NEVER),
    TOO_LARGE(Retry.NEVER),
    TOO_MANY_PIXELS(Retry.NEVER),
    // the bytes
    EMPTY(Retry.NEVER),
    NOT_AN_IMAGE(Retry.NEVER),
    UNSUPPORTED_FORMAT(Retry.NEVER),
    TRUNCATED_IMAGE(Retry.NEVER),
    CORRUPT(Retry.NEVER),
    // the model and the index
    BAD_EMBEDDING(Retry.NEVER),
    REFUSED_BY_INDEX(Retry.NEVER);

    /** Whether the same URL is worth another attempt. */
    public enum Retry {
        NEVER,
        LATER
    }

    private final Retry retry;

    Reason(Retry retry) {
        this.retry = retry;
    }

    public Retry retry() {
        return retry;
    }

    /**
     * Whether what was indexed of the image is withdrawn: a fault that may pass (a time-out, a busy server) keeps it, a
     * site's refusal does not.
     */
    public boolean withdraws() {
        return retry == Retry.NEVER || this == ROBOTS_DENIED;
    }
}
