package lenstream.connector.warc;

import java.io.IOException;

/** An archive cannot be reached at present; what it holds is not at fault. */
final class ArchiveUnavailableException extends IOException {
    private static final long serialVersionUID = 1;

    ArchiveUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }

    ArchiveUnavailableException(String message) {
        super(message);
    }
}
