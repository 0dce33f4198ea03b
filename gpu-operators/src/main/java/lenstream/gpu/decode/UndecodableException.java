package lenstream.gpu.decode;

import lenstream.core.image.Reason;

/** Ends the decoding of one image inside this package. Carries no stack trace: it is an expected outcome. */
final class UndecodableException extends Exception {
    private static final long serialVersionUID = 1;

    private final Reason reason;

    UndecodableException(Reason reason, String detail) {
        super(detail, null, false, false);
        this.reason = reason;
    }

    static UndecodableException truncated(String detail) {
        return new UndecodableException(Reason.TRUNCATED_IMAGE, detail);
    }

    static UndecodableException corrupt(String detail) {
        return new UndecodableException(Reason.CORRUPT, detail);
    }

    static UndecodableException unsupported(String detail) {
        return new UndecodableException(Reason.UNSUPPORTED_FORMAT, detail);
    }

    Reason reason() {
        return reason;
    }

    String detail() {
        String message = getMessage();
        return message == null ? reason.name() : message;
    }
}
