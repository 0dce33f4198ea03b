package lenstream.search;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A request that gets an error answer (RFC 9457). The detail is a sentence that says what to do. */
final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String title;
    private final int retryAfterSeconds;

    private ProblemException(int status, String title, String detail, int retryAfterSeconds) {
        super(detail, null, false, false); // an answer, not a fault of ours: no stack trace
        this.status = status;
        this.title = title;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    static ProblemException badRequest(String detail) {
        return new ProblemException(400, "Malformed request", detail, 0);
    }

    static ProblemException notFound(String detail) {
        return new ProblemException(404, "Not found", detail, 0);
    }

    static ProblemException methodNotAllowed(String detail) {
        return new ProblemException(405, "Method not allowed", detail, 0);
    }

    static ProblemException conflict(String detail) {
        return new ProblemException(409, "Another embedding space", detail, 0);
    }

    static ProblemException tooLarge(String detail) {
        return new ProblemException(413, "Too large", detail, 0);
    }

    static ProblemException notAnImage(String detail) {
        return new ProblemException(415, "Not an image", detail, 0);
    }

    static ProblemException impossible(String detail) {
        return new ProblemException(422, "Cannot be done", detail, 0);
    }

    static ProblemException busy(String detail) {
        return new ProblemException(429, "Too many requests", detail, 1);
    }

    static ProblemException unavailable(String detail) {
        return new ProblemException(503, "Not ready", detail, 2);
    }

    static ProblemException internal() {
        return new ProblemException(
                500,
                "Internal error",
                "The server failed on this request; its log says why. Please try another one.",
                0);
    }

    int status() {
        return status;
    }

    /** Seconds after which another attempt makes sense; 0 if none does. */
    int retryAfterSeconds() {
        return retryAfterSeconds;
    }

    String detail() {
        return String.valueOf(getMessage());
    }

    ObjectNode json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", "about:blank")
                .put("title", title)
                .put("status", status)
                .put("detail", detail());
    }
}
