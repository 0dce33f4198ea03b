package lenstream.connector.fetch;

import lenstream.core.image.Reason;

/** The right to one request to a host; says how it ended before it is closed. */
interface Turn extends AutoCloseable {
    /** The host answered like a healthy one. */
    void succeeded();

    /**
     * The host could not or would not answer.
     *
     * @param retryAfterMillis what it asked for; 0 for nothing
     */
    void failed(Reason reason, long retryAfterMillis);

    @Override
    void close();
}
