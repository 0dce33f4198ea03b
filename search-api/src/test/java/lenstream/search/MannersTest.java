package lenstream.search;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.errorprone.annotations.MustBeClosed;
import com.sun.net.httpserver.HttpServer;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import lenstream.search.http.HttpConfig;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.MDC;

/** The server's manners over real connections, with a fake encoder and no OpenSearch. */
class MannersTest {
    private static final String EMBED = "{\"model\":\"fake\",\"input\":\"a\"}";

    @Test
    void whoAsksTooOftenIsToldWhenToComeBack() {
        try (SearchServer server = start("rate_limit: {per_second: 0.5, burst: 3}")) {
            var http = new Http(server.uri());
            for (int i = 0; i < 3; i++) {
                assertThat(http.postJson("/v1/embeddings", EMBED).status()).isEqualTo(200);
            }
            Http.Answer refused = http.postJson("/v1/embeddings", EMBED);
            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.header("Retry-After")).isEqualTo("2");
            assertThat(http.get("/health/live").status()).isEqualTo(200); // costs nothing and is not counted
        }
    }

    @Test
    void clientsBehindAProxyOfOursAreToldApart() {
        try (SearchServer server = start("{rate_limit: {per_second: 0.01, burst: 1}, behind_proxy: true}")) {
            var http = new Http(server.uri());
            for (String client : List.of("192.0.2.1", "192.0.2.2")) {
                assertThat(http.postJson("/v1/embeddings", EMBED, "X-Forwarded-For", "10.0.0.1, " + client)
                                .status())
                        .isEqualTo(200);
            }
            assertThat(http.postJson("/v1/embeddings", EMBED, "X-Forwarded-For", "192.0.2.1")
                            .status())
                    .isEqualTo(429);
        }
    }

    @Test
    void onlyListedSitesMayAskFromABrowser() {
        try (SearchServer server = start("cors: {origins: [\"https://app.example\"]}")) {
            var http = new Http(server.uri());
            Http.Answer listed = http.get("/v1/models", "Origin", "https://app.example");
            assertThat(listed.header("Access-Control-Allow-Origin")).isEqualTo("https://app.example");
            assertThat(listed.header("Vary")).contains("Origin");
            Http.Answer other = http.get("/v1/models", "Origin", "https://evil.example");
            assertThat(other.header("Access-Control-Allow-Origin")).isEmpty();
            Http.Answer preflight = http.options(
                    "/v1/search", "Origin", "https://app.example", "Access-Control-Request-Method", "POST");
            assertThat(preflight.status()).isEqualTo(204);
            assertThat(preflight.header("Access-Control-Allow-Methods")).contains("POST");
            assertThat(preflight.header("Access-Control-Allow-Headers")).contains("Authorization");
        }
        assertThatThrownBy(() -> HttpConfig.of("cors: {origins: [\"app.example/path\"]}"))
                .hasMessageContaining("https://app.example");
    }

    @Test
    void aTraceGoesOnAndABrokenOneBeginsAnew() {
        try (SearchServer server = start("{}")) {
            var http = new Http(server.uri());
            String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
            String mine = "00-" + trace + "-00f067aa0ba902b7-01";
            assertThat(http.get("/v1/models", "traceparent", mine).header("traceresponse"))
                    .startsWith("00-" + trace + "-")
                    .endsWith("-01")
                    .isNotEqualTo(mine);
            for (String broken :
                    List.of("00-" + "0".repeat(32) + "-00f067aa0ba902b7-01", "x", "ff" + mine.substring(2))) {
                assertThat(http.get("/v1/models", "traceparent", broken).header("traceresponse"))
                        .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-00")
                        .doesNotContain(trace);
            }
        }
    }

    @Test
    void eachRequestIsALineOfJsonWithoutSecretsAndWithoutWhatWasSearched() {
        var lines = new Lines();
        try (SearchServer server =
                start("{access_log: requests, tokens: [{name: ops, token: a-very-secret-token, scopes: [read]}]}")) {
            var http = new Http(server.uri());
            http.get("/v1/search?q=private", "Authorization", "Bearer a-very-secret-token");
        } finally {
            lines.close();
        }
        assertThat(lines.text).singleElement().satisfies(line -> {
            assertThat(line)
                    .contains(
                            "\"method\":\"GET\"",
                            "\"path\":\"/v1/search\"",
                            "\"status\":503",
                            "\"caller\":\"ops\"",
                            "\"trace_id\":\"");
            assertThat(line).doesNotContain("private", "secret");
        });
    }

    @Test
    void tooMuchIsRefusedSoonAndTheLimitIsShown() throws Exception {
        var encoder = new FakeEncoder();
        var answers = new ArrayList<CompletableFuture<Integer>>();
        try (SearchServer server = SearchServer.start(config("max_concurrent: 2"), encoder);
                var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            encoder.gate = new CountDownLatch(1); // only now: the start warms the encoder up
            var http = new Http(server.uri());
            for (int i = 0; i < 40; i++) {
                String body = "{\"model\":\"fake\",\"input\":\"text " + i + "\"}";
                answers.add(CompletableFuture.supplyAsync(
                        () -> http.postJson("/v1/embeddings", body).status(), clients));
            }
            long refused = 0;
            while (refused < 38) { // the rest works on; JUnit's own limit ends a wait for ever
                refused = answers.stream()
                        .filter(answer -> answer.isDone() && answer.join() == 429)
                        .count();
                Thread.onSpinWait();
            }
            String metrics = new String(http.get("/metrics").response().body(), US_ASCII);
            assertThat(metrics)
                    .contains("lenstream_search_concurrency_limit_requests 2", "lenstream_search_working_requests 2");
            encoder.gate.countDown();
            assertThat(answers.stream().filter(answer -> answer.join() == 200).count())
                    .isEqualTo(2);
        } finally {
            encoder.gate.countDown();
        }
    }

    @Test
    void theTraceGoesOnToTheIndex() throws Exception {
        var seen = new ConcurrentLinkedQueue<String>();
        HttpServer index = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        index.createContext("/", exchange -> {
            seen.add(exchange.getRequestHeaders().getFirst("traceparent") + " "
                    + exchange.getRequestHeaders().getFirst("X-Opaque-Id"));
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
        });
        index.start();
        String trace = "0af7651916cd43dd8448eb211c80319c";
        String parent = "00-" + trace + "-b7ad6b7169203331-01";
        String url = "http://127.0.0.1:" + index.getAddress().getPort();
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(url))) {
            client.send("GET", "/_count", null);
            MDC.put(IndexClient.TRACE, parent); // as the route table does around each request
            client.send("GET", "/_count", null);
        } finally {
            MDC.remove(IndexClient.TRACE);
            index.stop(0);
        }
        assertThat(seen).containsExactly("null null", parent + " " + trace);
    }

    @Test
    void pemFilesGiveTlsAndHttp2(@TempDir Path folder) throws Exception {
        KeyStore store = selfSigned(folder);
        try (SearchServer server = start(
                "tls: {certificate: " + folder.resolve("cert.pem") + ", key: " + folder.resolve("key.pem") + "}")) {
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var tls = SSLContext.getInstance("TLS");
            tls.init(null, trust.getTrustManagers(), null);
            URI uri = URI.create("https://localhost:" + server.port() + "/v1/models");
            assertThat(server.uri().getScheme()).isEqualTo("https");
            try (HttpClient client = HttpClient.newBuilder()
                    .sslContext(tls)
                    .version(HttpClient.Version.HTTP_2)
                    .build()) {
                HttpResponse<String> answer =
                        client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
                assertThat(answer.headers().firstValue("Strict-Transport-Security"))
                        .isPresent();
            }
            assertThat(settings(tls, server.port())).containsEntry(3, 128); // SETTINGS_MAX_CONCURRENT_STREAMS
        }
        assertThatThrownBy(() -> HttpConfig.of("tls: {certificate: /none.pem, key: /none.pem}"))
                .hasMessageContaining("no readable file /none.pem");
    }

    /** What the server asks of an HTTP/2 client, by the numbers of RFC 9113, section 6.5.2. */
    private static Map<Integer, Integer> settings(SSLContext tls, int port) throws IOException {
        try (var socket = (SSLSocket) tls.getSocketFactory().createSocket("localhost", port)) {
            socket.setSoTimeout(10_000);
            SSLParameters http2 = socket.getSSLParameters();
            http2.setApplicationProtocols(new String[] {"h2"});
            socket.setSSLParameters(http2);
            socket.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII));
            socket.getOutputStream().write(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0}); // our own: none
            var in = new DataInputStream(socket.getInputStream());
            int length = in.readInt() >>> 8; // and the type, of which settings come first
            in.skipNBytes(5);
            var settings = new HashMap<Integer, Integer>();
            for (int read = 0; read < length; read += 6) {
                settings.put(in.readUnsignedShort(), in.readInt());
            }
            return settings;
        }
    }

    /** PEM files of a key pair for localhost, made by the JDK's own tool. */
    static KeyStore selfSigned(Path folder) throws Exception {
        Path file = folder.resolve("store.p12");
        Process tool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                        "-genkeypair",
                        "-alias",
                        "a",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "changeit",
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        try (OutputStream nothing = tool.getOutputStream()) {
            nothing.flush();
        }
        assertThat(tool.waitFor()).isZero();
        KeyStore store = KeyStore.getInstance(file.toFile(), "changeit".toCharArray());
        Key key = store.getKey("a", "changeit".toCharArray());
        Certificate certificate = store.getCertificate("a");
        pem(folder.resolve("key.pem"), "PRIVATE KEY", key.getEncoded());
        pem(folder.resolve("cert.pem"), "CERTIFICATE", certificate.getEncoded());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("a", certificate);
        return trusted;
    }

    private static void pem(Path file, String kind, byte[] bytes) throws IOException {
        String base64 = Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(bytes);
        Files.writeString(file, "-----BEGIN " + kind + "-----\n" + base64 + "\n-----END " + kind + "-----\n");
    }

    @MustBeClosed
    private static SearchServer start(String http) {
        return SearchServer.start(config(http), new FakeEncoder());
    }

    private static SearchConfig config(String http) {
        return SearchConfig.defaults(Path.of("none"), "http://127.0.0.1:1")
                .withPort(0)
                .withHttp(HttpConfig.of(http));
    }

    /** What goes to the access log. */
    private static final class Lines extends AbstractAppender implements AutoCloseable {
        final List<String> text = new ArrayList<>();
        private final Logger logger = (Logger) LogManager.getLogger("lenstream.access");

        Lines() {
            super("lines", null, null, true, Property.EMPTY_ARRAY);
            start();
            logger.addAppender(this);
            logger.setLevel(Level.INFO);
        }

        @Override
        public void append(LogEvent event) {
            text.add(event.getMessage().getFormattedMessage());
        }

        @Override
        public void close() {
            logger.removeAppender(this);
        }
    }
}
