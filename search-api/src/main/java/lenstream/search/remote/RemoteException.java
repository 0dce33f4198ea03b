package lenstream.search.remote;

/** A call of an inference server that brought no result. */
final class RemoteException extends Exception {
    private static final long serialVersionUID = 1;

    private final Kind kind;

    /** What may be done about it. */
    enum Kind {
        /** No answer, or one that says that there is none now: another connection may do. */
        UNREACHABLE,
        /** The server has too much to do. */
        BUSY,
        /** The server does not take what we send: more of it is of no use. */
        REFUSED
    }

    RemoteException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    RemoteException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    Kind kind() {
        return kind;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
