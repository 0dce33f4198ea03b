package lenstream.core.web;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.SSLContext;
import lenstream.core.config.DataSize;
import lenstream.core.image.Reason;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.Message;
import org.apache.hc.core5.http.URIScheme;
import org.apache.hc.core5.http.impl.bootstrap.HttpAsyncServer;
import org.apache.hc.core5.http.message.BasicHttpResponse;
import org.apache.hc.core5.http.nio.AsyncRequestConsumer;
import org.apache.hc.core5.http.nio.AsyncServerRequestHandler;
import org.apache.hc.core5.http.nio.entity.AsyncEntityProducers;
import org.apache.hc.core5.http.nio.entity.DiscardingEntityConsumer;
import org.apache.hc.core5.http.nio.support.BasicRequestConsumer;
import org.apache.hc.core5.http.nio.support.BasicResponseProducer;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.http.protocol.HttpCoreContext;
import org.apache.hc.core5.http2.HttpVersionPolicy;
import org.apache.hc.core5.http2.impl.nio.bootstrap.H2ServerBootstrap;
import org.apache.hc.core5.http2.ssl.H2ServerTlsStrategy;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.ssl.SSLContexts;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The web as most of it is: TLS, and HTTP/2 where both sides speak it. A server of this process with a key of its own. */
@Timeout(30)
class Http2Test {
    private static final char[] PASSWORD = "changeit".toCharArray();
    private static final WebConfig LOOPBACK = WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8", "::1/128"));

    private static SSLContext serving;
    private static SSLContext trusting;

    private final Queue<String> seen = new ConcurrentLinkedQueue<>();
    private @Nullable HttpAsyncServer server;
    private int port;

    @BeforeAll
    static void makeKey(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("key.p12");
        Process tool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-storepass",
                        new String(PASSWORD),
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        tool.getInputStream().readAllBytes();
        assertThat(tool.waitFor()).isZero();
        KeyStore key = KeyStore.getInstance(file.toFile(), PASSWORD);
        serving = SSLContexts.custom().loadKeyMaterial(key, PASSWORD).build();
        trusting = SSLContexts.custom().loadTrustMaterial(key, null).build();
    }

    private void serve(HttpVersionPolicy versions) throws Exception {
        HttpAsyncServer started = H2ServerBootstrap.bootstrap()
                .setVersionPolicy(versions)
                .setTlsStrategy(new H2ServerTlsStrategy(serving))
                .setCanonicalHostName("localhost")
                .register("*", new Answers())
                .create();
        server = started;
        started.start();
        var endpoint = started.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), URIScheme.HTTPS)
                .get(10, TimeUnit.SECONDS);
        port = ((InetSocketAddress) endpoint.getAddress()).getPort();
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close(CloseMode.IMMEDIATE);
        }
    }

    @Test
    void http2IsSpokenWhereTheServerOffersIt() throws Exception {
        serve(HttpVersionPolicy.NEGOTIATE);
        try (var client = open(LOOPBACK);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            assertThat(client.get(url("/a"), Map.of()).body()).asString().isEqualTo("hello");
            var answers = threads.invokeAll(
                    Collections.nCopies(8, () -> client.get(url("/a"), Map.of()).status()));
            for (var answer : answers) {
                assertThat(answer.get()).isEqualTo(200);
            }
        }
        assertThat(seen).hasSize(9).allMatch(request -> request.startsWith("HTTP/2.0 "));
    }

    @ParameterizedTest
    @EnumSource(names = {"NEGOTIATE", "FORCE_HTTP_1"})
    void aConnectionIsKept(HttpVersionPolicy versions) throws Exception {
        serve(versions);
        try (var client = open(LOOPBACK)) {
            for (int i = 0; i < 10; i++) {
                assertThat(client.get(url("/a"), Map.of()).status()).isEqualTo(200);
            }
        }
        assertThat(seen).hasSize(10);
        // the second request may come before the first one's connection is back
        assertThat(seen.stream().distinct()).as("connections").hasSizeLessThan(4);
    }

    @Test
    void aServerThatKnowsOnlyHttp1IsSpokenToInIt() throws Exception {
        serve(HttpVersionPolicy.FORCE_HTTP_1);
        try (var client = open(LOOPBACK)) {
            assertThat(client.get(url("/a"), Map.of()).body()).asString().isEqualTo("hello");
        }
        assertThat(seen).hasSize(1).allMatch(request -> request.startsWith("HTTP/1.1 "));
    }

    @Test
    void theLimitsHoldOverHttp2() throws Exception {
        serve(HttpVersionPolicy.NEGOTIATE);
        try (var client = open(LOOPBACK.withMaxBytes(new DataSize(1 << 20)))) {
            assertReason(client, "/large", Reason.TOO_LARGE);
            assertReason(client, "/bomb", Reason.TOO_LARGE);
            assertReason(client, "/headers", Reason.UNEXPECTED_STATUS);
            assertThat(client.get(url("/a"), Map.of()).status()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NEGOTIATE", "FORCE_HTTP_1"})
    void theFirstByteHasALimitOfItsOwn(HttpVersionPolicy versions) throws Exception {
        serve(versions);
        var impatient = new WebConfig(
                LOOPBACK.allowPrivate(),
                LOOPBACK.userAgent(),
                LOOPBACK.maxBytes(),
                0,
                Duration.ofSeconds(10),
                Duration.ofMillis(300),
                Duration.ofSeconds(20),
                8);
        try (var client = open(impatient)) {
            assertThatThrownBy(() -> client.get(url("/silent"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TIMEOUT))
                    .hasMessageContaining("no answer in time");
        }
    }

    @Test
    void anUnknownCertificateIsAFailedConnection() throws Exception {
        serve(HttpVersionPolicy.NEGOTIATE);
        try (var client = WebClient.open(LOOPBACK)) {
            assertReason(client, "/a", Reason.CONNECTION_FAILED);
        }
        assertThat(seen).isEmpty();
    }

    private void assertReason(WebClient client, String path, Reason reason) {
        assertThatThrownBy(() -> client.get(url(path), Map.of()))
                .as(path)
                .isInstanceOfSatisfying(
                        WebException.class,
                        e -> assertThat(e.reason()).as(e.toString()).isEqualTo(reason));
    }

    @MustBeClosed
    private static WebClient open(WebConfig config) {
        return WebClient.open(config, SystemDefaultDnsResolver.INSTANCE, trusting);
    }

    private CanonicalUrl url(String path) {
        return CanonicalUrl.of("https://localhost:" + port + path).orElseThrow();
    }

    private final class Answers implements AsyncServerRequestHandler<Message<HttpRequest, Void>> {
        @Override
        public AsyncRequestConsumer<Message<HttpRequest, Void>> prepare(
                HttpRequest request, EntityDetails entity, HttpContext context) {
            return new BasicRequestConsumer<>(entity == null ? null : new DiscardingEntityConsumer<>());
        }

        @Override
        public void handle(Message<HttpRequest, Void> message, ResponseTrigger trigger, HttpContext context)
                throws HttpException, IOException {
            HttpRequest request = message.getHead();
            var endpoint = HttpCoreContext.cast(context).getEndpointDetails();
            seen.add(context.getProtocolVersion() + " " + endpoint.getRemoteAddress());
            var response = new BasicHttpResponse(200);
            byte[] body = "hello".getBytes(US_ASCII);
            switch (request.getPath()) {
                case "/silent" -> {
                    return;
                }
                case "/large" -> body = new byte[2 << 20];
                case "/bomb" -> {
                    response.setHeader("Content-Encoding", "gzip");
                    body = gzip(new byte[20 << 20]);
                }
                case "/headers" -> {
                    for (int i = 0; i < 1_000; i++) {
                        response.setHeader("x-" + i, "y".repeat(1_000));
                    }
                }
                default -> {}
            }
            trigger.submitResponse(
                    new BasicResponseProducer(
                            response, AsyncEntityProducers.create(body, ContentType.APPLICATION_OCTET_STREAM)),
                    context);
        }

        private static byte[] gzip(byte[] bytes) throws IOException {
            var out = new ByteArrayOutputStream();
            try (var gzip = new GZIPOutputStream(out)) {
                gzip.write(bytes);
            }
            return out.toByteArray();
        }
    }
}
