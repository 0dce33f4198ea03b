package lenstream.search;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** One request and its answer, as the routes see them. Confined to the request's thread. */
final class Exchange {
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final HeaderName SERVER_TIMING = HeaderNames.create("Server-Timing");

    private final ServerRequest request;
    private final ServerResponse response;
    private final int maxBody;
    private final SearchMetrics metrics;
    private final StringBuilder timing = new StringBuilder();
    private final long began = System.nanoTime();
    private String type;
    private int status = 200;

    Exchange(String type, ServerRequest request, ServerResponse response, int maxBody, SearchMetrics metrics) {
        this.type = type;
        this.request = request;
        this.response = response;
        this.maxBody = maxBody;
        this.metrics = metrics;
    }

    /** What is asked for, once the body says so. */
    void type(String name) {
        type = name;
    }

    String type() {
        return type;
    }

    int status() {
        return status;
    }

    String pathParameter(String name) {
        return request.path().pathParameters().get(name);
    }

    /** A parameter of the path that only some of the route's paths have. */
    String pathParameter(String name, String otherwise) {
        return request.path().pathParameters().first(name).orElse(otherwise);
    }

    Map<String, List<String>> parameters() {
        var parameters = new LinkedHashMap<String, List<String>>();
        for (String name : request.query().names()) {
            parameters.put(name, request.query().all(name));
        }
        return parameters;
    }

    /** The media type of the body without parameters, in lower case; empty if there is none. */
    String mediaType() {
        return request.headers()
                .contentType()
                .map(found -> found.mediaType().text().toLowerCase(Locale.ROOT))
                .orElse("");
    }

    Optional<String> header(HeaderName name) {
        return request.headers().first(name);
    }

    /** The whole body. */
    byte[] body() {
        if (request.headers().contentLength().orElse(0) > maxBody) {
            throw tooLarge();
        }
        try (InputStream in = request.content().inputStream()) {
            byte[] bytes = in.readNBytes(maxBody + 1);
            if (bytes.length > maxBody) {
                throw tooLarge();
            }
            return bytes;
        } catch (IOException e) {
            throw ProblemException.badRequest("The body ended before it was complete; send it again.");
        }
    }

    /** Notes how long a stage took, for the answer's {@code Server-Timing} and the metrics. */
    void took(SearchMetrics.Stage stage, long nanos) {
        metrics.took(stage, nanos);
        timing.append(timing.isEmpty() ? "" : ", ")
                .append(stage.name().toLowerCase(Locale.ROOT))
                .append(";dur=")
                .append(Math.round(nanos / 1e3) / 1e3);
    }

    long elapsedNanos() {
        return System.nanoTime() - began;
    }

    double elapsedMillis() {
        return Math.round(elapsedNanos() / 1e4) / 100.0;
    }

    Exchange set(HeaderName name, String value) {
        response.header(name, value);
        return this;
    }

    void sendJson(Object value) {
        sendJson(200, "application/json", value);
    }

    void sendJson(int code, String contentType, Object value) {
        try {
            send(code, contentType, JSON.writeValueAsBytes(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own records are JSON", e);
        }
    }

    void send(int code, String contentType, byte[] bytes) {
        status = code;
        if (!timing.isEmpty()) {
            response.header(SERVER_TIMING, timing.toString());
        }
        response.status(Status.create(code)).header(HeaderNames.CONTENT_TYPE, contentType);
        response.send(bytes);
    }

    /** An answer without a body. */
    void sendEmpty(int code) {
        status = code;
        response.status(Status.create(code)).send();
    }

    void sendProblem(ProblemException problem) {
        retryAfter(problem);
        sendJson(problem.status(), "application/problem+json", problem.json());
    }

    /** Tells when another attempt makes sense. */
    void retryAfter(ProblemException problem) {
        if (problem.retryAfterSeconds() > 0) {
            response.header(HeaderNames.RETRY_AFTER, Integer.toString(problem.retryAfterSeconds()));
        }
    }

    /** Whether the client holds this version already. */
    boolean holds(String etag) {
        return header(HeaderNames.IF_NONE_MATCH)
                .map(sent -> sent.equals("*") || sent.contains(etag))
                .orElse(false);
    }

    private ProblemException tooLarge() {
        return ProblemException.tooLarge("The body is larger than " + (maxBody >> 20) + " MiB: send a smaller image.");
    }
}
