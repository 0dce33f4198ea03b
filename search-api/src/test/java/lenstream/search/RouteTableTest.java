package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.helidon.webserver.WebServer;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lenstream.core.config.Secret;
import lenstream.search.http.AccessToken;
import lenstream.search.http.HttpConfig;
import lenstream.search.http.Metrics;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who may use which route, over real connections. */
class RouteTableTest {
    private static final String READER = "reader-token-0123456789";
    private static final String WRITER = "writer-token-0123456789";

    private WebServer server = WebServer.builder().shutdownHook(false).build();
    private Http http = new Http(URI.create("http://127.0.0.1:1"));

    @AfterEach
    void stop() {
        server.stop();
    }

    @Test
    void withoutTokensReadsAreOpenAndWritesStayOnThisMachine() throws Exception {
        start();
        assertThat(http.get("/read").json().path("caller").asText()).isEqualTo("anyone");
        assertThat(http.postJson("/write", "{}").json().path("caller").asText()).isEqualTo("loopback");
        assertThat(http.postJson("/write", "{}", "X-Forwarded-For", "192.0.2.1").status())
                .isEqualTo(403);
        assertThat(http.postJson("/write", "{}", "Origin", "https://evil.example")
                        .status())
                .isEqualTo(403);
        String same = "http://127.0.0.1:" + server.port();
        assertThat(http.postJson("/write", "{}", "Origin", same).status()).isEqualTo(200);
        assertThat(raw("POST /write HTTP/1.1\r\n"
                        + "Host: rebound.example\r\n"
                        + "Content-Length: 0\r\n"
                        + "Connection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 403");
    }

    @Test
    void aTokenForWritesClosesThemAndLeavesReadsOpen() {
        start(AccessToken.of("ops", new Secret(WRITER), Scope.WRITE));
        assertThat(http.get("/read").status()).isEqualTo(200);
        Http.Answer without = http.postJson("/write", "{}");
        assertThat(without.status()).isEqualTo(401);
        assertThat(without.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"lenstream\", scope=\"write\"");
        Http.Answer wrong = http.postJson("/write", "{}", "Authorization", "Bearer " + WRITER + "x");
        assertThat(wrong.status()).isEqualTo(401);
        assertThat(wrong.header("WWW-Authenticate")).contains("error=\"invalid_token\"");
        assertThat(http.postJson("/write", "{}", "Authorization", "bearer " + WRITER)
                        .json()
                        .path("caller")
                        .asText())
                .isEqualTo("ops");
    }

    @Test
    void aTokenForReadsGuardsThemAndIsNotEnoughForWrites() {
        start(
                AccessToken.of("page", new Secret(READER), Scope.READ),
                AccessToken.of("ops", new Secret(WRITER), Scope.ADMIN));
        assertThat(http.get("/read").status()).isEqualTo(401);
        assertThat(http.get("/open").status()).isEqualTo(200);
        assertThat(http.get("/read", "Authorization", "Bearer " + READER).status())
                .isEqualTo(200);
        Http.Answer narrow = http.postJson("/write", "{}", "Authorization", "Bearer " + READER);
        assertThat(narrow.status()).isEqualTo(403);
        assertThat(narrow.header("WWW-Authenticate")).contains("insufficient_scope");
        assertThat(http.get("/read", "Authorization", "Bearer " + WRITER).status())
                .isEqualTo(200);
        assertThat(http.postJson("/write", "{}", "Authorization", "Bearer " + WRITER)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void otherMethodsAndPathsAreProblems() {
        start();
        Http.Answer method = http.delete("/read");
        assertThat(method.status()).isEqualTo(405);
        assertThat(method.header("Allow")).isEqualTo("GET, HEAD, PUT");
        assertThat(http.get("/nothing").status()).isEqualTo(404);
    }

    @Test
    void headHasTheHeadersOfGetAndNoBody() throws Exception {
        start();
        String host = "Host: 127.0.0.1\r\n";
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(10_000);
            String body = "{\"caller\":\"anyone\"}";
            socket.getOutputStream()
                    .write(("HEAD /read HTTP/1.1\r\n" + host + "\r\nGET /read HTTP/1.1\r\n" + host + "\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            var received = new StringBuilder();
            while (received.indexOf(body) < 0) {
                int next = socket.getInputStream().read();
                assertThat(next).as(received.toString()).isNotNegative();
                received.append((char) next);
            }
            String both = received.toString();
            String[] answers = both.split("HTTP/1.1 200 OK");
            assertThat(answers).hasSize(3);
            assertThat(answers[1])
                    .containsIgnoringCase("content-length: " + body.length())
                    .endsWith("\r\n\r\n");
            assertThat(answers[2])
                    .containsIgnoringCase("content-length: " + body.length())
                    .endsWith(body);
        }
        assertThat(raw("HEAD /write HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"))
                .isEqualTo("HTTP/1.1 405");
        assertThat(raw("HEAD /nothing HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"))
                .isEqualTo("HTTP/1.1 404");
    }

    @Test
    void tokensAreKeptAsTheirHash() {
        start();
        var token = AccessToken.of("ops", new Secret(WRITER), Scope.WRITE);
        assertThat(token.token()).isNull();
        assertThat(token.tokenSha256()).hasSize(64).doesNotContain(WRITER);
        assertThatThrownBy(() -> AccessToken.of("ops", new Secret("short"), Scope.WRITE))
                .hasMessageContaining("16 characters")
                .hasMessageNotContaining("short");
        assertThatThrownBy(() -> new AccessToken("ops", null, null, List.of(Scope.READ)))
                .hasMessageContaining("token_sha256");
    }

    private void start(AccessToken... tokens) {
        var table = new RouteTable(HttpConfig.defaults().withTokens(List.of(tokens)), new Metrics(), Optional::empty);
        table.get("/read", "read", exchange -> exchange.sendJson(Map.of("caller", exchange.caller())));
        table.put("/read", "read", exchange -> exchange.sendEmpty(204));
        table.post("/write", "write", exchange -> exchange.sendJson(Map.of("caller", exchange.caller())))
                .scope(Scope.WRITE);
        table.get("/open", "open", exchange -> exchange.sendEmpty(200)).open().light();
        server = WebServer.builder()
                .host("127.0.0.1")
                .shutdownHook(false)
                .routing(routing -> routing.register("/", table))
                .build()
                .start();
        http = new Http(URI.create("http://127.0.0.1:" + server.port()));
    }

    /** The beginning of the answer to a request that no client would send. */
    private String raw(String request) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            byte[] statusLine = socket.getInputStream().readNBytes("HTTP/1.1 200".length());
            return new String(statusLine, StandardCharsets.ISO_8859_1);
        }
    }
}
