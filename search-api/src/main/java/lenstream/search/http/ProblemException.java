package lenstream.search.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A request that gets an error answer (RFC 9457). The detail is a sentence that says what to do. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String title;
    private final int retryAfterSeconds;
    private final String challenge;

    private ProblemException(int status, String title, String detail, int retryAfterSeconds) {
        this(status, title, detail, retryAfterSeconds, "");
    }

    private ProblemException(int status, String title, String detail, int retryAfterSeconds, String challenge) {
        super(detail, null, false, false); // an answer, not a fault of ours: no stack trace
        this.status = status;
        this.title = title;
        this.retryAfterSeconds = retryAfterSeconds;
        this.challenge = challenge;
    }

    public static ProblemException badRequest(String detail) {
        return new ProblemException(400, "Malformed request", detail, 0);
    }

    /** @param challenge what {@code WWW-Authenticate} says besides the scheme; empty for nothing */
    public static ProblemException unauthorized(String detail, String challenge) {
        return new ProblemException(401, "Not authorised", detail, 0, challenge(challenge));
    }

    /** @param challenge what {@code WWW-Authenticate} says besides the scheme; empty for no such header */
    public static ProblemException forbidden(String detail, String challenge) {
        return new ProblemException(403, "Not allowed", detail, 0, challenge.isEmpty() ? "" : challenge(challenge));
    }

    public static ProblemException notFound(String detail) {
        return new ProblemException(404, "Not found", detail, 0);
    }

    public static ProblemException methodNotAllowed(String detail) {
        return new ProblemException(405, "Method not allowed", detail, 0);
    }

    /** @param title what kind of conflict, a few words */
    public static ProblemException conflict(String title, String detail) {
        return new ProblemException(409, title, detail, 0);
    }

    public static ProblemException tooLarge(String detail) {
        return new ProblemException(413, "Too large", detail, 0);
    }

    public static ProblemException notAnImage(String detail) {
        return new ProblemException(415, "Not an image", detail, 0);
    }

    public static ProblemException impossible(String detail) {
        return new ProblemException(422, "Cannot be done", detail, 0);
    }

    public static ProblemException busy(String detail) {
        return new ProblemException(429, "Too many requests", detail, 1);
    }

    static ProblemException tooMany(String detail, int retryAfterSeconds) {
        return new ProblemException(429, "Too many requests", detail, retryAfterSeconds);
    }

    static ProblemException tooSlow(String detail) {
        return new ProblemException(408, "Too slow", detail, 0);
    }

    public static ProblemException unavailable(String detail) {
        return new ProblemException(503, "Not ready", detail, 2);
    }

    public static ProblemException internal() {
        return new ProblemException(
                500,
                "Internal error",
                "The server failed on this request; its log says why. Please try another one.",
                0);
    }

    private static String challenge(String words) {
        return "Bearer realm=\"lenstream\"" + (words.isEmpty() ? "" : ", " + words);
    }

    public int status() {
        return status;
    }

    /** Seconds after which another attempt makes sense; 0 if none does. */
    int retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** The header {@code WWW-Authenticate}; empty for none. */
    String challenge() {
        return challenge;
    }

    public String detail() {
        return String.valueOf(getMessage());
    }

    public ObjectNode json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", "about:blank")
                .put("title", title)
                .put("status", status)
                .put("detail", detail());
    }
}
