package lenstream.search.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** One request and its answer, as the routes see them. Confined to the request's thread. */
public final class Exchange {
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final int BUFFER = 64 << 10;

    /** As many times the largest body are thrown away before a client is given up. */
    private static final int DRAINED_BODIES = 4;

    /** Of an IPv6 address with a zone. */
    private static final int LONGEST_ADDRESS = 60;

    /** After the time for a body, a client that still sends gets an answer; a silent one is cut off. */
    private static final Duration SILENCE = Duration.ofSeconds(1);

    /** An unwanted body up to this length is thrown away, so that the connection can go on; a longer one ends it. */
    private static final int SMALL_BODY = 1 << 20;

    /** How long a client is still listened to that sends a body although it has its answer: cut off at once, it might miss that. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    private static final HeaderName SERVER_TIMING = HeaderNames.create("Server-Timing");

    private final ServerRequest request;
    private final ServerResponse response;
    private final HttpConfig config;
    private final int maxBody;
    private final Metrics metrics;
    private final StringBuilder timing = new StringBuilder();
    private final long began = System.nanoTime();
    private String type;
    private String caller = Guard.ANYONE;
    private int status = 200;
    private long sent;
    private byte[] body = {};
    private long held;
    private boolean ends;

    Exchange(String type, ServerRequest request, ServerResponse response, HttpConfig config, Metrics metrics) {
        this.type = type;
        this.request = request;
        this.response = response;
        this.config = config;
        this.maxBody = Math.toIntExact(config.maxBody().bytes());
        this.metrics = metrics;
    }

    /** What is asked for, once the body says so. */
    public void type(String name) {
        type = name;
    }

    void caller(String name) {
        caller = name;
    }

    /** Whether a token was shown. */
    boolean hasToken() {
        return !caller.equals(Guard.ANYONE) && !caller.equals(Guard.LOOPBACK);
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

    /** The client's address as text: where the connection or, behind a proxy of ours, the proxy says it comes from. */
    String address() {
        if (config.behindProxy()) {
            String forwarded = header(HeaderNames.X_FORWARDED_FOR).orElse("");
            String last = forwarded.substring(forwarded.lastIndexOf(',') + 1).strip();
            if (!last.isEmpty() && last.length() <= LONGEST_ADDRESS) {
                return last;
            }
        }
        InetAddress peer = peer();
        return peer == null ? "" : peer.getHostAddress();
    }

    String method() {
        return request.prologue().method().text();
    }

    String path() {
        return request.path().rawPath();
    }

    /** All behind the question mark, as it was sent. */
    String queryString() {
        return request.query().rawValue();
    }

    /** Bytes of the answer's body. */
    long sent() {
        return sent;
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

    /** The media type of the body without parameters, in lower case, as it was sent; empty if there is none. */
    public String mediaType() {
        String sent = header(HeaderNames.CONTENT_TYPE).orElse("");
        int end = sent.indexOf(';');
        return (end < 0 ? sent : sent.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    }

    public Optional<String> header(HeaderName name) {
        return request.headers().first(name);
    }

    /** The whole body; empty if there is none. */
    public byte[] body() {
        return body;
    }

    /** Whether the request has a body. */
    boolean hasBody() {
        return request.content().hasEntity();
    }

    /**
     * Takes the body in, before there is room to work on it: a client that sends slowly keeps no one else waiting.
     *
     * @param memory from which it is taken until {@link #forgetBody}
     */
    void receive(BodyMemory memory) {
        if (!hasBody()) {
            return;
        }
        if (request.headers().contentLength().orElse(0) > maxBody) {
            throw tooLarge();
        }
        Future<?> end = Interruption.after(config.bodyTimeout().plus(SILENCE));
        boolean late = false;
        try (InputStream in = request.content().inputStream()) {
            body = read(in, memory);
        } catch (ProblemException e) {
            late = e.status() == 408; // the rest may still trickle: the watch ends that too
            throw e;
        } catch (IOException | RuntimeException e) {
            // it ended early, or was framed wrongly: where the next request would begin is not known
            throw new CloseConnectionException("the body cannot be read", e);
        } finally {
            if (!late) {
                end.cancel(false);
            }
        }
    }

    /** A client that sends a byte now and then keeps no read waiting for long, but must not stay for ever. */
    private byte[] read(InputStream in, BodyMemory memory) throws IOException {
        var bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[BUFFER];
        int count;
        while ((count = in.read(buffer)) >= 0) {
            if (bytes.size() + count > maxBody) {
                throw tooLarge();
            }
            if (elapsedNanos() > config.bodyTimeout().toNanos()) {
                response.header(HeaderValues.CONNECTION_CLOSE);
                throw ProblemException.tooSlow("The body was not there after "
                        + config.bodyTimeout().toSeconds() + " s: send it faster, or a smaller one.");
            }
            memory.take(count);
            held += count;
            bytes.write(buffer, 0, count);
        }
        return bytes.toByteArray();
    }

    /** Gives the memory of the body back. */
    void forgetBody(BodyMemory memory) {
        memory.give(held);
        held = 0;
        body = new byte[0];
    }

    /**
     * To be called before a problem is sent. Where a body is left that nobody wants, the answer says that the connection ends
     * (RFC 9112, 9.3), unless the rest is short: who waits for {@code 100 Continue} may send it or not, and a long one would be
     * taken in for nothing.
     */
    void leaveBody() {
        if (!hasBody() || request.content().consumed() || isMultiplexed()) {
            return;
        }
        long length = request.headers().contentLength().orElse(Long.MAX_VALUE);
        if (length > SMALL_BODY || waitsForContinue()) {
            ends = true;
            response.header(HeaderValues.CONNECTION_CLOSE);
        }
    }

    private boolean waitsForContinue() {
        return request.headers().contains(HeaderValues.EXPECT_100);
    }

    private boolean isMultiplexed() {
        return request.prologue().protocolVersion().startsWith("2");
    }

    /**
     * Ends a connection whose last answer said so.
     *
     * @throws CloseConnectionException if it does
     */
    void endIfLeft() {
        if (!ends) {
            return;
        }
        if (!waitsForContinue()) { // reading would ask for the body
            Future<?> end = Interruption.after(LINGER);
            byte[] buffer = new byte[BUFFER];
            try (InputStream in = request.content().inputStream()) {
                while (in.read(buffer) >= 0) {
                    // thrown away: closing with bytes unread would reset the connection, and the answer could be lost
                    // with it
                }
            } catch (IOException | RuntimeException e) {
                // the client has gone, or sends for too long
            } finally {
                end.cancel(false);
            }
        }
        throw new CloseConnectionException("the body was not wanted");
    }

    /**
     * Takes what is left of a body that was not wanted. Over HTTP/2 the frames of one such stream would otherwise fill its
     * queue, and every other stream of the connection would wait behind them.
     */
    void drain() {
        if (!isMultiplexed() || request.content().consumed()) {
            return;
        }
        byte[] buffer = new byte[BUFFER];
        long most = DRAINED_BODIES * (long) maxBody;
        try (InputStream in = request.content().inputStream()) {
            long count = 0;
            int read;
            while ((read = in.read(buffer)) >= 0
                    && count < most
                    && elapsedNanos() < config.bodyTimeout().toNanos()) {
                count += read;
            }
        } catch (IOException | RuntimeException e) {
            // the client has reset the stream: nothing more comes
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
        sent = bytes.length;
        if (!timing.isEmpty()) {
            response.header(SERVER_TIMING, timing.toString());
        }
        response.status(Status.create(code)).header(HeaderNames.CONTENT_TYPE, contentType);
        if (isHead()) {
            sent = 0;
            response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length));
            response.send();
        } else {
            response.send(bytes);
        }
    }

    /** Whether the answer's headers alone are wanted. */
    private boolean isHead() {
        return request.prologue().method().equals(Method.HEAD);
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
