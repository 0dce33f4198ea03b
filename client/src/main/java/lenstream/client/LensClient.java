package lenstream.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a search server. Calls block and may be made from any number of threads, virtual ones too; the client
 * is thread-safe. A call that only reads is repeated while the server is busy or not ready, within the client's
 * timeout, after the pause that the server asks for. Every failure is a {@link LensException}; so is an interruption,
 * which also leaves the thread's flag set.
 */
public final class LensClient implements AutoCloseable {
    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long POLL_MILLIS = 100;
    private static final String ALERTS = "/v1/alerts";

    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false) // a newer server says more
            .addModule(new SimpleModule().addDeserializer(Instant.class, new Rfc3339()))
            .build();

    private final ClientConfig config;
    private final HttpClient http;

    private LensClient(ClientConfig config) {
        this.config = config;
        this.http = HttpClient.newBuilder()
                .connectTimeout(config.timeout())
                .version(HttpClient.Version.HTTP_1_1)
                .build();
    }

    /** Connects to a server such as {@code http://127.0.0.1:8080}; nothing is sent yet. */
    @MustBeClosed
    public static LensClient connect(String server) {
        return connect(ClientConfig.of(URI.create(server)));
    }

    @MustBeClosed
    public static LensClient connect(ClientConfig config) {
        return new LensClient(config);
    }

    /** One page of a search. */
    public Answer search(Search search) {
        return read(call("POST", "/v1/search", search.body()), Answer.class);
    }

    /** The hits of all pages, asked for as they are needed. */
    public Stream<Hit> hits(Search search) {
        return Stream.iterate(
                        Optional.of(search(search)),
                        Optional::isPresent,
                        page -> page.flatMap(shown -> next(search, shown)))
                .flatMap(Optional::stream)
                .flatMap(page -> page.hits().stream());
    }

    private Optional<Answer> next(Search search, Answer page) {
        return Optional.ofNullable(page.cursor()).map(cursor -> search(search.after(cursor)));
    }

    /** An image of the index. */
    public Optional<Hit> image(String id) {
        try {
            return Optional.of(read(call("GET", "/v1/images/" + escape(id), null), Hit.class));
        } catch (LensException e) {
            if (e.status() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The newest images of the index. */
    public List<Hit> newest(int k) {
        return read(call("GET", "/v1/images?k=" + k, null), Answer.class).hits();
    }

    /** The thumbnail of an image: a JPEG, its longer side at most 256 pixels. */
    public byte[] thumbnail(String id) {
        return exchange("GET", "/v1/images/" + escape(id) + "/thumbnail", null, true)
                .body();
    }

    /**
     * Embeddings of texts and images, mixed.
     *
     * @param inputs texts, or images as data URLs
     * @return one unit vector an input, in their order
     */
    public List<float[]> embed(List<String> inputs) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("model", model());
        inputs.forEach(body.putArray("input")::add);
        var vectors = new ArrayList<float[]>(inputs.size());
        // it computes and changes nothing, so it may be repeated like a read
        for (JsonNode row : json(exchange("POST", "/v1/embeddings", body, true)).path("data")) {
            JsonNode values = row.path("embedding");
            var vector = new float[values.size()];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = values.get(i).floatValue();
            }
            vectors.add(vector);
        }
        return vectors;
    }

    /**
     * Saves a search: from now on every new image is compared with it. Needs a token with the scope {@code write}, or a
     * server on this machine.
     *
     * @param search what to look for, its filters and its least score; nothing of pages and ranking
     * @param name for people; empty for what is looked for
     * @param webhook who is told of matches; null for nobody
     * @return the alert; only here it shows the webhook's secret
     */
    public Alert addAlert(Search search, String name, @Nullable URI webhook) {
        ObjectNode body = search.body().deepCopy();
        if (!name.isEmpty()) {
            body.put("name", name);
        }
        if (webhook != null) {
            body.putObject("webhook").put("url", webhook.toString());
        }
        return read(call("POST", ALERTS, body), Alert.class);
    }

    /** Every alert, the newest first. */
    public List<Alert> alerts() {
        var alerts = new ArrayList<Alert>();
        call("GET", ALERTS, null).path("alerts").forEach(alert -> alerts.add(read(alert, Alert.class)));
        return alerts;
    }

    /** An alert with what its webhook was told. */
    public Optional<Alert> alert(String id) {
        try {
            return Optional.of(read(call("GET", ALERTS + "/" + escape(id), null), Alert.class));
        } catch (LensException e) {
            if (e.status() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * Ends an alert and forgets its matches.
     *
     * @return whether there was one
     */
    public boolean removeAlert(String id) {
        try {
            exchange("DELETE", ALERTS + "/" + escape(id), null, false);
            return true;
        } catch (LensException e) {
            if (e.status() == 404) {
                return false;
            }
            throw e;
        }
    }

    /** The images that met an alert, the newest first; asked for page by page as they are needed. */
    public Stream<AlertMatch> matches(String alert) {
        String path = ALERTS + "/" + escape(alert) + "/matches?k=100";
        return Stream.iterate(
                        Optional.of(call("GET", path, null)),
                        Optional::isPresent,
                        page -> page.map(shown -> shown.path("cursor"))
                                .filter(JsonNode::isTextual)
                                .map(cursor -> call("GET", path + "&cursor=" + escape(cursor.asText()), null)))
                .flatMap(Optional::stream)
                .flatMap(page -> page.path("matches").valueStream())
                .map(match -> read(match, AlertMatch.class));
    }

    /** The name of the server's encoder. */
    private String model() {
        return call("GET", "/v1/models", null).at("/data/0/id").asText();
    }

    /** Whether the server's process answers at all. */
    public boolean isAlive() {
        return answers("/health/live").isEmpty();
    }

    /** Waits until searches are answered. The limit holds whatever the client's timeout. */
    public void awaitReady(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        Optional<String> why = answers("/health/ready");
        while (why.isPresent()) {
            if (System.nanoTime() >= deadline) {
                throw new LensException(
                        503,
                        Duration.ZERO,
                        "the search API on " + config.server() + " is not ready after " + limit.toSeconds() + " s: "
                                + why.get());
            }
            pause(POLL_MILLIS);
            why = answers("/health/ready");
        }
    }

    /** Empty if a health route says yes, else what it says. */
    private Optional<String> answers(String path) {
        try {
            exchangeOnce("GET", path, null, System.nanoTime() + config.timeout().toNanos());
            return Optional.empty();
        } catch (LensException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw e;
            }
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Any route of the server's {@code /openapi.json} that answers JSON. Searches and {@code GET} are repeated as the
     * class says; other calls are sent once.
     *
     * @param path begins with a slash, escaped
     * @param body null for none
     */
    public JsonNode call(String method, String path, @Nullable JsonNode body) {
        boolean reads = method.equals("GET") || path.equals("/v1/search");
        return json(exchange(method, path, body, reads));
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private HttpResponse<byte[]> exchange(String method, String path, @Nullable JsonNode body, boolean repeat) {
        long deadline = System.nanoTime() + config.timeout().toNanos();
        long pause = FIRST_PAUSE_MILLIS;
        for (int attempt = 1; ; attempt++) {
            try {
                return exchangeOnce(method, path, body, deadline);
            } catch (LensException e) {
                boolean last = !repeat || attempt >= config.attempts() || !e.isTransient();
                long wait = Math.max(e.retryAfter().toMillis(), jittered(pause));
                if (last || System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(wait) >= deadline) {
                    throw e;
                }
                pause(wait);
                pause *= 2;
            }
        }
    }

    private HttpResponse<byte[]> exchangeOnce(String method, String path, @Nullable JsonNode body, long deadline) {
        long left = Math.max(1, deadline - System.nanoTime());
        HttpRequest.Builder request = HttpRequest.newBuilder(address(path)).timeout(Duration.ofNanos(left));
        if (!config.token().isEmpty()) {
            request.header("Authorization", "Bearer " + config.token());
        }
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/json")
                    .method(method, HttpRequest.BodyPublishers.ofString(body.toString()));
        }
        HttpResponse<byte[]> response;
        try {
            response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (ConnectException e) {
            throw new LensException("no search API answers on " + config.server(), e);
        } catch (IOException e) {
            throw new LensException("the search API on " + config.server() + " gave no proper answer: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LensException("interrupted while waiting for " + config.server(), e);
        }
        if (response.statusCode() / 100 != 2) {
            throw refusal(response);
        }
        return response;
    }

    /** A server's path is kept: {@code https://example.org/images} and {@code /v1/search} make one address. */
    private URI address(String path) {
        String base = config.server().toString();
        return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + path);
    }

    /** Reads problem+json, OpenAI's and the Open Inference Protocol's shape of an error. */
    private static LensException refusal(HttpResponse<byte[]> response) {
        String detail;
        try {
            JsonNode body = JSON.readTree(response.body());
            JsonNode error = body.path("error");
            detail = body.path("detail")
                    .asText(error.path("message")
                            .asText(error.asText(body.path("title").asText(""))));
        } catch (IOException e) {
            detail = "";
        }
        Duration pause = response.headers()
                .firstValue("Retry-After")
                .filter(text -> text.matches("\\d{1,6}"))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)))
                .orElse(Duration.ZERO);
        return new LensException(
                response.statusCode(),
                pause,
                "the search API answers " + response.statusCode() + (detail.isEmpty() ? "" : ": " + detail));
    }

    private JsonNode json(HttpResponse<byte[]> response) {
        try {
            return JSON.readTree(response.body());
        } catch (IOException e) {
            throw new LensException(config.server() + " answers something that is no JSON; is it a search API?", e);
        }
    }

    private <T> T read(JsonNode body, Class<T> type) {
        try {
            return JSON.treeToValue(body, type);
        } catch (JsonProcessingException e) {
            throw new LensException(config.server() + " answers something unexpected: " + e.getOriginalMessage(), e);
        }
    }

    /** Half to all of it, so that clients do not come back all at once. */
    private static long jittered(long millis) {
        return ThreadLocalRandom.current().nextLong(millis / 2, millis + 1);
    }

    private void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LensException("interrupted while waiting for " + config.server(), e);
        }
    }

    private static String escape(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** RFC 3339 in UTC, as the server writes times. */
    private static final class Rfc3339 extends FromStringDeserializer<Instant> {
        private static final long serialVersionUID = 1;

        Rfc3339() {
            super(Instant.class);
        }

        @Override
        protected Instant _deserialize(String text, DeserializationContext context) {
            return Instant.parse(text);
        }
    }
}
