package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import lenstream.search.http.HttpConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server over real HTTP, with a fake encoder and no OpenSearch. */
class SearchServerTest {
    private static final int CONCURRENT = 8;

    private final FakeEncoder encoder = new FakeEncoder();
    private SearchServer server;
    private Http http;

    @BeforeEach
    @SuppressWarnings("MustBeClosed") // closed after each test
    void start() {
        server = SearchServer.start(config(), encoder);
        http = new Http(server.uri());
    }

    @AfterEach
    void stop() {
        server.close();
        assertThat(encoder.closed).isTrue();
    }

    @Test
    void withoutAnIndexItLivesButIsNotReady() {
        assertThat(http.get("/health/live").status()).isEqualTo(200);
        Http.Answer ready = http.get("/health/ready");
        assertThat(ready.status()).isEqualTo(503);
        assertThat(ready.header("Retry-After")).isNotEmpty();
        assertThat(ready.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(ready.json().path("detail").asText()).contains("start it with ./lenstream up");
        assertThat(http.get("/v1/search?q=a").status()).isEqualTo(503);
        assertThat(server.ready()).isFalse();
    }

    @Test
    void everyAnswerCarriesSecurityHeaders() {
        for (String path : new String[] {"/", "/nothing", "/health/live", "/ui/app.js"}) {
            Http.Answer answer = http.get(path);
            assertThat(answer.header("Content-Security-Policy")).contains("default-src 'none'", "script-src 'self'");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /ui/app.js HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n",
                "GET /v1/nothing HTTP/1.1\r\nConnection: te, Close\r\nHost: x\r\n\r\n",
                "POST /v1/search HTTP/1.1\r\nConnection: close\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            })
    void theConnectionEndsWithTheAnswerThatTheClientCallsTheLast(String request) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(10_000); // far below the idle time
            socket.getOutputStream().write(request.getBytes(UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
            assertThat(answer).contains("Connection: close").doesNotContain("Keep-Alive:");
            int length = Integer.parseInt(answer.replaceFirst("(?s).*Content-Length: (\\d+).*", "$1"));
            assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4).getBytes(UTF_8))
                    .hasSize(length);
        }
    }

    @Test
    void thePageIsServedWithAValidator() {
        Http.Answer page = http.get("/");
        assertThat(page.header("Content-Type")).startsWith("text/html");
        assertThat(http.get("/", "If-None-Match", page.header("ETag")).status()).isEqualTo(304);
        assertThat(http.get("/ui/..%2fopenapi.json").status()).isIn(400, 404);
        assertThat(http.get("/ui/none.js").status()).isEqualTo(404);
    }

    @Test
    void unknownAddressesAndMethodsAreProblems() {
        assertThat(http.get("/v1/nothing").status()).isEqualTo(404);
        Http.Answer wrong = http.delete("/v1/search");
        assertThat(wrong.status()).isEqualTo(405);
        assertThat(wrong.header("Allow")).isEqualTo("GET, HEAD, POST");
        assertThat(wrong.json().path("status").asInt()).isEqualTo(405);
    }

    @Test
    void theLongestTextFitsIntoAnAddress() {
        assertThat(http.get("/v1/search?q=" + "%E2%82%AC".repeat(2_000)).status())
                .isEqualTo(503);
    }

    @Test
    void embeddingsHaveOpenAisShape() {
        String image = "data:image/png;base64," + Base64.getEncoder().encodeToString(new byte[] {1, 2, 3});
        Http.Answer answer = http.postJson(
                "/v1/embeddings", "{\"model\":\"fake\",\"input\":[\"a red car\",\"" + image + "\"],\"user\":\"x\"}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().path("object").asText()).isEqualTo("list");
        assertThat(answer.json().at("/data/1/index").asInt()).isEqualTo(1);
        assertThat(answer.json().at("/data/0/embedding")).hasSize(FakeEncoder.DIM);
        assertThat(answer.json().at("/usage/num_images").asInt()).isEqualTo(1);
        assertThat(answer.json().at("/usage/prompt_tokens").asInt()).isEqualTo(3);
    }

    @Test
    void embeddingsComeAsBase64OfLittleEndianFloats() {
        Http.Answer answer =
                http.postJson("/v1/embeddings", "{\"model\":\"fake\",\"input\":\"a\",\"encoding_format\":\"base64\"}");
        var floats = new float[FakeEncoder.DIM];
        ByteBuffer.wrap(Base64.getDecoder()
                        .decode(answer.json().at("/data/0/embedding").asText()))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(floats);
        assertThat(floats).containsExactly(encoder.embedText("a"));
    }

    @Test
    void embeddingErrorsHaveOpenAisShape() {
        assertError("{\"model\":\"other\",\"input\":\"a\"}", 404, "this server has fake");
        assertError("{\"input\":\"a\"}", 400, "model is missing");
        assertError("{\"model\":\"fake\",\"input\":[]}", 400, "1 to 256");
        assertError("{\"model\":\"fake\",\"input\":\"a\",\"dimensions\":3}", 400, "dimensions must be 4");
        assertError("{\"model\":\"fake\",\"input\":\"data:image/png;base64,PA==\"}", 415, "text instead of an image");
        assertError("{", 400, "no valid JSON");
    }

    @Test
    void moreThanItCanDoIsSentAwayAndTheRestIsAnswered() throws Exception {
        encoder.atGate.drainPermits();
        encoder.gate = new CountDownLatch(1);
        var answers = new ArrayList<CompletableFuture<Http.Answer>>();
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CONCURRENT; i++) {
                String body = "{\"model\":\"fake\",\"input\":\"text " + i + "\"}"; // not the cached one
                answers.add(CompletableFuture.supplyAsync(() -> http.postJson("/v1/embeddings", body), clients));
            }
            assertThat(encoder.atGate.tryAcquire(CONCURRENT, 30, TimeUnit.SECONDS))
                    .isTrue();
            Http.Answer refused = http.postJson("/v1/embeddings", "{\"model\":\"fake\",\"input\":\"one more\"}");
            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.header("Retry-After")).isEqualTo("1");
            assertThat(http.get("/health/live").status()).isEqualTo(200);
            encoder.gate.countDown();
            for (CompletableFuture<Http.Answer> answer : answers) {
                assertThat(answer.join().status()).isEqualTo(200);
            }
        } finally {
            encoder.gate.countDown();
        }
        assertThat(http.postJson("/v1/embeddings", "{\"model\":\"fake\",\"input\":\"one more\"}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void theModelIsListed() {
        assertThat(http.get("/v1/models").json().at("/data/0/id").asText()).isEqualTo("fake");
        assertThat(http.get("/v1/models/fake").json().at("/id").asText()).isEqualTo("fake");
        Http.Answer other = http.get("/v1/models/other");
        assertThat(other.status()).isEqualTo(404);
        assertThat(other.json().at("/error/message").asText()).contains("this server has fake");
    }

    @Test
    void metricsCountRequestsByTypeAndCode() {
        http.get("/v1/search?q=a");
        String text = new String(http.get("/metrics").response().body(), UTF_8);
        assertThat(text)
                .contains(
                        "lenstream_search_requests_total{type=\"text\",code=\"503\"} 1",
                        "lenstream_model_info{fingerprint=\"fake-1-00000000\"} 1",
                        "lenstream_search_ready 0");
    }

    @Test
    void theApiDescribesItself() {
        assertThat(http.get("/openapi.json").json().path("paths").has("/v1/search"))
                .isTrue();
    }

    @Test
    void aBodyBeyondTheLimitIs413() {
        byte[] body = new byte[(1 << 20) + 1];
        assertThat(http.post("/v1/embeddings", "application/json", body).status())
                .isEqualTo(413);
    }

    @Test
    @SuppressWarnings("MustBeClosed") // it does not start
    void aTakenPortIsSaidInOneSentence() {
        assertThatThrownBy(() -> SearchServer.start(config().withPort(server.port()), new FakeEncoder()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("port " + server.port())
                .hasMessageContaining("choose another port")
                .hasMessageNotContaining("--"); // the program reads a file, not options
    }

    private void assertError(String body, int status, String message) {
        Http.Answer answer = http.postJson("/v1/embeddings", body);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.json().at("/error/message").asText()).contains(message);
        assertThat(answer.json().at("/error/type").asText()).isEqualTo("invalid_request_error");
    }

    private static SearchConfig config() {
        return SearchConfig.defaults(Path.of("none"), "http://127.0.0.1:1")
                .withPort(0)
                .withHttp(HttpConfig.of("{max_body: 1MiB, max_concurrent: " + CONCURRENT + "}"));
    }
}
