package lenstream.search.http;

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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One request and its answer, as the routes see them. Confined to the request's thread. */
public final class Exchange {
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final HeaderName SERVER_TIMING = HeaderNames.create("Server-Timing");

    private final ServerRequest request;
    private final ServerResponse response;
    private final int maxBody;
    private final Metrics metrics;
    private final StringBuilder timing = new StringBuilder();
    private final long began = System.nanoTime();
    private String type;
    private String caller = "anyone";
    private int status = 200;

    Exchange(String type, ServerRequest request, ServerResponse response, int maxBody, Metrics metrics) {
        this.type = type;
        this.request = request;
        this.response = response;
        this.maxBody = maxBody;
        this.metrics = metrics;
    }

    /** What is asked for, once the body says so. */
    public void type(String name) {
        type = name;
    }

    void caller(String name) {
        caller = name;
    }

    /** Who asks: the name of a token, {@code loopback} or {@code anyone}. */
    public String caller() {
        return caller;
    }

    /** The machine at the other end of the connection; null if it is no internet address. */
    @Nullable
    InetAddress peer() {
        return request.remotePeer().address() instanceof InetSocketAddress socket ? socket.getAddress() : null;
    }

    String type() {
        return type;
    }

    int status() {
        return status;
    }

    public String pathParameter(String name) {
        return request.path().pathParameters().get(name);
    }

    /** A parameter of the path that only some of the route's paths have. */
    public String pathParameter(String name, String otherwise) {
        return request.path().pathParameters().first(name).orElse(otherwise);
    }

    public Map<String, List<String>> parameters() {
        var parameters = new LinkedHashMap<String, List<String>>();
        for (String name : request.query().names()) {
            parameters.put(name, request.query().all(name));
        }
        return parameters;
    }

    /** The media type of the body without parameters, in lower case; empty if there is none. */
    public String mediaType() {
        return request.headers()
                .contentType()
                .map(found -> found.mediaType().text().toLowerCase(Locale.ROOT))
                .orElse("");
    }

    public Optional<String> header(HeaderName name) {
        return request.headers().first(name);
    }

    /** The whole body. */
    public byte[] body() {
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
    public void took(Stage stage, long nanos) {
        metrics.took(stage, nanos);
        timing.append(timing.isEmpty() ? "" : ", ")
                .append(stage.name().toLowerCase(Locale.ROOT))
                .append(";dur=")
                .append(Math.round(nanos / 1e3) / 1e3);
    }

    public long elapsedNanos() {
        return System.nanoTime() - began;
    }

    public double elapsedMillis() {
        return Math.round(elapsedNanos() / 1e4) / 100.0;
    }

    public Exchange set(HeaderName name, String value) {
        response.header(name, value);
        return this;
    }

    public void sendJson(Object value) {
        sendJson(200, "application/json", value);
    }

    public void sendJson(int code, String contentType, Object value) {
        try {
            send(code, contentType, JSON.writeValueAsBytes(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own records are JSON", e);
        }
    }

    public void send(int code, String contentType, byte[] bytes) {
        status = code;
        if (!timing.isEmpty()) {
            response.header(SERVER_TIMING, timing.toString());
        }
        response.status(Status.create(code)).header(HeaderNames.CONTENT_TYPE, contentType);
        response.send(bytes);
    }

    /** An answer without a body. */
    public void sendEmpty(int code) {
        status = code;
        response.status(Status.create(code)).send();
    }

    public void sendProblem(ProblemException problem) {
        headersOf(problem);
        sendJson(problem.status(), "application/problem+json", problem.json());
    }

    /** Tells when another attempt makes sense, and what it takes to be let in. */
    public void headersOf(ProblemException problem) {
        if (problem.retryAfterSeconds() > 0) {
            response.header(HeaderNames.RETRY_AFTER, Integer.toString(problem.retryAfterSeconds()));
        }
        if (!problem.challenge().isEmpty()) {
            response.header(HeaderNames.WWW_AUTHENTICATE, problem.challenge());
        }
    }

    /** Whether the client holds this version already. */
    public boolean holds(String etag) {
        return header(HeaderNames.IF_NONE_MATCH)
                .map(sent -> sent.equals("*") || sent.contains(etag))
                .orElse(false);
    }

    private ProblemException tooLarge() {
        return ProblemException.tooLarge("The body is larger than " + (maxBody >> 20) + " MiB: send a smaller image.");
    }
}
