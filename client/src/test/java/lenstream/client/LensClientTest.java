package lenstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the client does with a server's answers, the bad ones too. Against the real server: {@code JavaClientIT}. */
final class LensClientTest {
    /** What the server saw. */
    private record Seen(String method, String path, String body, String authorization) {}

    private record Reply(int status, String retryAfter, String body) {}

    private final ConcurrentLinkedQueue<Seen> seen = new ConcurrentLinkedQueue<>();
    private final ArrayDeque<Reply> replies = new ArrayDeque<>();
    private HttpServer server;
    private LensClient client;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::reply);
        server.start();
        client = connect(config());
    }

    @SuppressWarnings("MustBeClosed") // stop() closes it
    private static LensClient connect(ClientConfig config) {
        return LensClient.connect(config);
    }

    @AfterEach
    void stop() {
        client.close();
        server.stop(0);
    }

    private ClientConfig config() {
        return ClientConfig.of(
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort()))
                .withTimeout(Duration.ofSeconds(5));
    }

    private synchronized void reply(HttpExchange exchange) {
        try (exchange) {
            seen.add(new Seen(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString(),
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8),
                    String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"))));
            Reply next = replies.size() > 1 ? replies.remove() : replies.peek();
            if (next == null) {
                return; // closes without an answer
            }
            if (!next.retryAfter().isEmpty()) {
                exchange.getResponseHeaders().add("Retry-After", next.retryAfter());
            }
            byte[] body = next.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(next.status(), body.length);
            exchange.getResponseBody().write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answers(int status, String body) {
        replies.add(new Reply(status, "", body));
    }

    private static String page(String cursor, String... ids) {
        String hits = String.join(
                ",",
                List.of(ids).stream()
                        .map(id -> "{\"id\":\"" + id
                                + "\",\"url\":\"https://e.example/a.jpg\",\"width\":3,\"height\":4,\"frames\":1,"
                                + "\"indexed\":\"2026-11-22T18:41:54.593833286Z\",\"something_new\":[1]}")
                        .toList());
        return "{\"took_ms\":1.5,\"fingerprint\":\"f-1\",\"total\":2,"
                + (cursor.isEmpty() ? "" : "\"cursor\":\"" + cursor + "\",") + "\"hits\":[" + hits + "]}";
    }

    @Test
    void readsAHitAndPassesOverWhatItDoesNotKnow() {
        answers(200, page("", "a1"));
        Answer answer = client.search(Search.text("red flower").k(5).filter("host", "e.example"));
        assertThat(answer.tookMs()).isEqualTo(1.5);
        assertThat(answer.best()).hasValueSatisfying(hit -> {
            assertThat(hit.id()).isEqualTo("a1");
            assertThat(hit.indexed()).isEqualTo(Instant.parse("2026-11-22T18:41:54.593833286Z"));
            assertThat(hit.title()).isNull();
        });
        assertThat(seen).singleElement().satisfies(request -> {
            assertThat(request.path()).isEqualTo("/v1/search");
            assertThat(request.body())
                    .isEqualTo("{\"text\":\"red flower\",\"k\":5,\"filter\":{\"host\":\"e.example\"}}");
        });
    }

    @Test
    void pagesAreAskedForAsTheyAreNeeded() {
        answers(200, page("c1", "a", "b"));
        answers(200, page("", "c"));
        assertThat(client.hits(Search.text("x")).limit(1).map(Hit::id)).containsExactly("a");
        assertThat(seen).hasSize(1);
        replies.clear();
        answers(200, page("c1", "a", "b"));
        answers(200, page("", "c"));
        assertThat(client.hits(Search.text("x")).map(Hit::id)).containsExactly("a", "b", "c");
        assertThat(seen).last().satisfies(request -> assertThat(request.body()).contains("\"cursor\":\"c1\""));
    }

    @Test
    void severalQueriesMakeOneSearch() {
        Search search = Search.like("id1")
                .k(7)
                .plus(Search.text("at night"), 0.5)
                .plus(Search.text("people").filter("host", "not.counted"), -0.3);
        assertThat(search)
                .hasToString("{\"k\":7,\"queries\":[{\"id\":\"id1\"},{\"text\":\"at night\",\"weight\":0.5},"
                        + "{\"text\":\"people\",\"weight\":-0.3}]}");
        Search part = Search.text("a");
        assertThatThrownBy(() -> part.plus(search, 1)).hasMessageContaining("one by one");
    }

    @Test
    void aBusyServerIsAskedAgainAfterItsPause() {
        replies.add(new Reply(429, "1", "{\"title\":\"Too many\",\"detail\":\"wait\"}"));
        answers(200, page("", "a"));
        long start = System.nanoTime();
        assertThat(client.search(Search.text("x")).hits()).hasSize(1);
        assertThat(System.nanoTime() - start)
                .isGreaterThanOrEqualTo(Duration.ofSeconds(1).toNanos());
        assertThat(seen).hasSize(2);
    }

    @Test
    void aPauseLongerThanTheTimeoutIsNotWaitedFor() {
        replies.add(new Reply(503, "3600", "{\"detail\":\"not ready\"}"));
        assertThatThrownBy(() -> client.search(Search.text("x")))
                .isInstanceOfSatisfying(LensException.class, e -> {
                    assertThat(e.status()).isEqualTo(503);
                    assertThat(e.retryAfter()).isEqualTo(Duration.ofHours(1));
                    assertThat(e.isTransient()).isTrue();
                })
                .hasMessageContaining("not ready");
        assertThat(seen).hasSize(1);
    }

    @Test
    void aRefusalIsNotRepeatedAndItsReasonIsTold() {
        answers(422, "{\"title\":\"Impossible\",\"detail\":\"k must be 1 to 100\"}");
        assertThatThrownBy(() -> client.search(Search.text("x").k(1000)))
                .hasMessage("the search API answers 422: k must be 1 to 100");
        assertThat(seen).hasSize(1);
    }

    @Test
    void errorsOfTheOtherProtocolsAreRead() {
        answers(200, "{\"data\":[{\"id\":\"m\"}]}");
        answers(400, "{\"error\":{\"message\":\"no such model\",\"type\":\"invalid_request_error\"}}");
        assertThatThrownBy(() -> client.embed(List.of("x"))).hasMessageEndingWith("400: no such model");
        replies.clear();
        answers(404, "{\"error\":\"unknown model\"}");
        assertThatThrownBy(() -> client.call("GET", "/v2/models/x", null)).hasMessageEndingWith("404: unknown model");
    }

    @Test
    void aWriteIsSentOnce() {
        answers(503, "{\"detail\":\"later\"}");
        assertThatThrownBy(() -> client.call("POST", "/v1/takedowns", null)).hasMessageContaining("503");
        assertThat(seen).hasSize(1);
    }

    @Test
    void aConnectionThatBreaksIsSaidAndTriedAgain() {
        assertThatThrownBy(() -> client.newest(3))
                .isInstanceOfSatisfying(
                        LensException.class, e -> assertThat(e.status()).isZero())
                .hasMessageContaining("gave no proper answer");
        assertThat(seen)
                .hasSizeGreaterThanOrEqualTo(3); // the JDK's client repeats a GET on a dead connection by itself
    }

    @Test
    void theTokenTravelsAndIsNeverPrinted() {
        answers(200, page("", "a"));
        try (LensClient guarded = LensClient.connect(config().withToken("s3cret"))) {
            guarded.search(Search.text("x"));
        }
        assertThat(seen)
                .singleElement()
                .satisfies(request -> assertThat(request.authorization()).isEqualTo("Bearer s3cret"));
        assertThat(config().withToken("s3cret").toString()).doesNotContain("s3cret");
    }

    @Test
    void anUnknownImageIsEmpty() {
        answers(404, "{\"title\":\"Not found\"}");
        assertThat(client.image("nope/../x")).isEmpty();
        assertThat(seen).last().satisfies(request -> assertThat(request.path()).isEqualTo("/v1/images/nope%2F..%2Fx"));
    }

    @Test
    void readinessIsWaitedForWithALimit() {
        answers(503, "{\"detail\":\"no index yet\"}");
        answers(200, "{}");
        client.awaitReady(Duration.ofSeconds(5));
        replies.clear();
        answers(503, "{\"detail\":\"no index yet\"}");
        assertThatThrownBy(() -> client.awaitReady(Duration.ofMillis(300)))
                .hasMessageContaining("not ready after")
                .hasMessageContaining("no index yet");
    }

    @Test
    void anInterruptionEndsTheCall() {
        answers(200, page("", "a"));
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> client.search(Search.text("x"))).hasMessageContaining("interrupted");
        assertThat(Thread.interrupted()).isTrue();
    }
}
