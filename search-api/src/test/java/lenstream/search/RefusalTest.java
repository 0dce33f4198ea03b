package lenstream.search;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import lenstream.core.config.Secret;
import lenstream.search.http.AccessToken;
import lenstream.search.http.HttpConfig;
import lenstream.search.http.Metrics;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is refused is told so before a body is taken in, over real connections. */
@Timeout(60)
class RefusalTest {
    private static final int LONG = 20 << 20;
    private static final int LIMIT_MILLIS = 20_000;

    /** More than may wait. */
    private static final int BURST = 64;

    private final CountDownLatch gate = new CountDownLatch(1);
    private final Semaphore atWork = new Semaphore(0);
    private final Metrics metrics = new Metrics();
    private WebServer server = WebServer.builder().shutdownHook(false).build();

    @BeforeEach
    void start() {
        start("{max_concurrent: 1}");
    }

    private void start(String keys) {
        HttpConfig config = HttpConfig.of(keys)
                .withTokens(List.of(AccessToken.of("ops", new Secret("writer-token-0123456789"), Scope.WRITE)));
        var table = new RouteTable(config, metrics, Optional::empty);
        table.post("/write", "write", exchange -> exchange.sendEmpty(204)).scope(Scope.WRITE);
        table.post("/read", "read", exchange -> exchange.sendJson(Map.of("bytes", exchange.body().length)));
        table.post("/work", "work", exchange -> {
            atWork.release();
            await();
            exchange.sendEmpty(204);
        });
        server = WebServer.builder()
                .host("127.0.0.1")
                .shutdownHook(false)
                .routing(routing -> routing.register("/", table))
                .build()
                .start();
    }

    @AfterEach
    void stop() {
        gate.countDown();
        server.stop();
    }

    @Test
    void whoHasNoTokenIsToldWithoutSendingAnything() throws Exception {
        try (Socket socket = open()) {
            write(socket, post("/write", "Content-Length: " + LONG));
            assertThat(head(socket)).startsWith("HTTP/1.1 401").containsIgnoringCase("connection: close");
        }
    }

    @Test
    void whoAskedFirstIsNotAskedForTheBody() throws Exception {
        try (Socket socket = open()) {
            write(socket, post("/write", "Content-Length: 5\r\nExpect: 100-continue"));
            String answer = toEnd(socket);
            assertThat(answer).startsWith("HTTP/1.1 401").doesNotContain("100 Continue");
            assertThat(answer).containsIgnoringCase("connection: close");
        }
    }

    @Test
    void whoIsWelcomeIsAskedForIt() throws Exception {
        try (Socket socket = open()) {
            write(socket, post("/read", "Content-Length: 5\r\nExpect: 100-continue"));
            assertThat(head(socket)).startsWith("HTTP/1.1 100");
            write(socket, "12345");
            assertThat(head(socket)).startsWith("HTTP/1.1 200");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length", "Transfer-Encoding"})
    void whoSendsAllTheSameCanReadTheAnswer(String framing) throws Exception {
        boolean chunked = framing.startsWith("T");
        try (Socket socket = open()) {
            write(socket, post("/write", chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + LONG));
            byte[] part = new byte[1 << 20];
            for (int sent = 0; sent < LONG; sent += part.length) {
                write(socket, chunked ? Integer.toHexString(part.length) + "\r\n" : "");
                socket.getOutputStream().write(part);
                write(socket, chunked ? "\r\n" : "");
            }
            write(socket, chunked ? "0\r\n\r\n" : "");
            assertThat(toEnd(socket)).startsWith("HTTP/1.1 401");
        }
    }

    @Test
    void aShortBodyLeavesTheConnectionOpen() throws Exception {
        try (Socket socket = open()) {
            for (int i = 0; i < 2; i++) {
                write(socket, post("/write", "Content-Length: 5") + "12345");
                assertThat(head(socket)).startsWith("HTTP/1.1 401").containsIgnoringCase("keep-alive");
            }
        }
    }

    @Test
    void whoAsksTooOftenIsToldWithoutSendingAnything() throws Exception {
        server.stop();
        start("rate_limit: {per_second: 0.001, burst: 1}");
        var http = new Http(URI.create("http://127.0.0.1:" + server.port()));
        assertThat(http.postJson("/read", "{}").status()).isEqualTo(200);
        try (Socket socket = open()) {
            write(socket, post("/read", "Content-Length: " + LONG));
            assertThat(head(socket)).startsWith("HTTP/1.1 429").containsIgnoringCase("retry-after: ");
        }
    }

    @Test
    void whoFindsTheQueueFullIsToldWithoutSendingAnything() throws Exception {
        var http = new Http(URI.create("http://127.0.0.1:" + server.port()));
        var answers = new ArrayList<CompletableFuture<Integer>>();
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < BURST; i++) {
                answers.add(CompletableFuture.supplyAsync(
                        () -> http.postJson("/work", "{}").status(), clients));
            }
            assertThat(atWork.tryAcquire(LIMIT_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
            assertThat(CompletableFuture.anyOf(answers.toArray(CompletableFuture[]::new))
                            .get(LIMIT_MILLIS, TimeUnit.MILLISECONDS))
                    .isEqualTo(429); // the queue is full, and was a moment ago
            String refused = "";
            for (int i = 0; i < BURST && !refused.startsWith("HTTP/1.1 429"); i++) {
                for (int more = 0; more < BURST / 2; more++) { // whoever is in the queue stays for a moment only
                    answers.add(CompletableFuture.supplyAsync(
                            () -> http.postJson("/work", "{}").status(), clients));
                }
                try (Socket socket = open()) {
                    write(socket, post("/work", "Content-Length: " + LONG));
                    socket.setSoTimeout(200);
                    refused = head(socket);
                } catch (java.net.SocketTimeoutException e) {
                    refused = ""; // let in: it is asked for its body
                }
            }
            assertThat(refused).startsWith("HTTP/1.1 429").containsIgnoringCase("connection: close");
            gate.countDown();
            assertThat(answers).allSatisfy(answer -> assertThat(answer.join()).isIn(204, 429));
        }
    }

    @Test
    void aBodyIsForgottenWithItsRequest() {
        var http = new Http(URI.create("http://127.0.0.1:" + server.port()));
        assertThat(http.post("/read", "image/jpeg", new byte[1000])
                        .json()
                        .path("bytes")
                        .asInt())
                .isEqualTo(1000);
        assertThat(http.post("/write", "image/jpeg", new byte[1000]).status()).isEqualTo(401);
        String gauge = "lenstream_search_body_bytes ";
        String level = metrics.text();
        for (int i = 0; i < 1_000 && !level.contains(gauge + "0\n"); i++) { // it is given back behind the answer
            Thread.onSpinWait();
            level = metrics.text();
        }
        assertThat(level).contains(gauge + "0\n");
    }

    private void await() {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Socket open() throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        socket.setSoTimeout(LIMIT_MILLIS);
        return socket;
    }

    private static String post(String path, String framing) {
        return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + framing + "\r\n\r\n";
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    }

    /** The next answer; its body is left out of what is returned. */
    private static String head(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                return head.toString();
            }
            head.append((char) next);
        }
        String lower = head.toString().toLowerCase(java.util.Locale.ROOT);
        int length = lower.indexOf("content-length: ");
        if (length >= 0) {
            in.readNBytes(Integer.parseInt(lower.substring(length + 16, lower.indexOf('\r', length))));
        }
        return head.toString();
    }

    private static String toEnd(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
    }
}
