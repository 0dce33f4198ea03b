package lenstream.core.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import lenstream.core.config.DataSize;
import lenstream.core.image.Reason;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WebClientTest {
    private static final WebConfig LOOPBACK = WebConfig.defaults()
            .withAllowPrivate(List.of("127.0.0.0/8"))
            .withMaxBytes(new DataSize(100_000))
            .withTotalTimeout(Duration.ofSeconds(2));

    private static final String BOMB = "20 MiB of zeros";
    /** Made by Node's {@code zlib.brotliCompressSync}. */
    private static final String BROTLI_HELLO = "CwKAaGVsbG8D";

    private static final String BROTLI_20_MIB_OF_ZEROS = "y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v1f/v//4J8AiMMCAN37Hw==";

    private RawServer server;

    @BeforeEach
    void open() throws IOException {
        server = new RawServer();
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    @Test
    void anAnswerComesWithStatusHeadersAndBody() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello";
        try (var client = WebClient.open(LOOPBACK.withUserAgent("lenstream/1.0 (+test)"))) {
            WebResponse response = client.get(server.url("/a?b"), Map.of("Accept", "image/png"));
            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).asString().isEqualTo("hello");
            assertThat(response.header("ETAG")).contains("\"x\"");
            assertThat(response.headers("x-a")).containsExactly("1", "2");
        }
        assertThat(server.requests.peek())
                .contains("GET /a?b HTTP/1.1")
                .contains("User-Agent: lenstream/1.0 (+test)")
                .contains("Accept: image/png")
                .contains("Accept-Encoding: gzip, br, zstd");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:%d/", "http://localhost:%d/", "http://[::1]:%d/", "http://2130706433:%d/",
                "http://0x7f000001:%d/", "http://127.1:%d/", "http://[::ffff:127.0.0.1]:%d/", "http://0.0.0.0:%d/"
            })
    void noFormOfALoopbackAddressIsReachedUnlessListed(String form) throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        CanonicalUrl url = CanonicalUrl.of(form.formatted(server.port())).orElseThrow();
        try (var client = WebClient.open(LOOPBACK.withAllowPrivate(List.of()))) {
            Throwable failure = catchThrowable(() -> client.get(url, Map.of()));
            assertThat(failure).isInstanceOf(WebException.class);
            // a form that this platform's resolver does not know is an unknown host; either way nothing was reached
            assertThat(((WebException) failure).reason()).isIn(Reason.ADDRESS_DENIED, Reason.CONNECTION_FAILED);
        }
        assertThat(server.connections).hasValue(0);
    }

    @Test
    void aDeniedAddressIsNamedWithTheRemedy() {
        try (var client = WebClient.open(LOOPBACK.withAllowPrivate(List.of()))) {
            assertThatThrownBy(() -> client.get(server.url("/"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ADDRESS_DENIED))
                    .hasMessageContaining("network.allow_private");
        }
    }

    @Test
    void aRedirectToAPrivateAddressIsRefused() throws Exception {
        server.answer = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/secret\r\nContent-Length: 0\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.fetch(server.url("/"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ADDRESS_DENIED));
        }
    }

    @Test
    void aNameThatChangesItsAddressIsCheckedAtEveryConnection() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        var lookups = new AtomicInteger();
        DnsResolver rebinding = new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) throws java.net.UnknownHostException {
                String address = lookups.getAndIncrement() == 0 ? "127.0.0.1" : "127.9.9.9";
                return new InetAddress[] {InetAddress.getByName(address)};
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
        try (var client = WebClient.open(LOOPBACK.withAllowPrivate(List.of("127.0.0.1/32")), rebinding)) {
            CanonicalUrl url = CanonicalUrl.of("http://rebind.example:" + server.port() + "/")
                    .orElseThrow();
            assertThat(client.get(url, Map.of()).status()).isEqualTo(200);
            assertThat(lookups).hasValue(1); // the checked address is the one connected to
            assertThatThrownBy(() -> client.get(url, Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ADDRESS_DENIED));
        }
        assertThat(server.connections).hasValue(1);
    }

    @Test
    void aBodyThatDeclaresTooMuchIsNotRead() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n";
        assertReason(Reason.TOO_LARGE);
    }

    @Test
    void aBodyThatSendsTooMuchIsBrokenOff() throws Exception {
        server.body = out -> {
            out.write(bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
            byte[] block = new byte[10_000];
            for (int i = 0; i < 10_000; i++) {
                out.write(block);
            }
        };
        assertReason(Reason.TOO_LARGE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "x-gzip", "br", "zstd", "ZSTD"})
    void aCompressedBodyIsUnpacked(String encoding) throws Exception {
        server.sends(encoding, packed(encoding, "hello"));
        try (var client = WebClient.open(LOOPBACK)) {
            assertThat(client.get(server.url("/"), Map.of()).body()).asString().isEqualTo("hello");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "br", "zstd"})
    void aBombIsBrokenOff(String encoding) throws Exception {
        byte[] bomb = packed(encoding, BOMB);
        assertThat(bomb.length).isLessThan(100_000);
        server.sends(encoding, bomb);
        assertReason(Reason.TOO_LARGE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "br", "zstd"})
    void aCompressedBodyThatEndsEarlyIsATruncatedResponse(String encoding) throws Exception {
        byte[] whole = packed(encoding, "hello");
        server.sends(encoding, Arrays.copyOf(whole, whole.length - 2));
        assertReason(Reason.TRUNCATED_RESPONSE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "br", "zstd"})
    void whatIsNotCompressedAsItSaysIsATruncatedResponse(String encoding) throws Exception {
        server.sends(encoding, bytes("\u00ffabcdefgh"));
        assertReason(Reason.TRUNCATED_RESPONSE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"deflate", "compress", "gzip, br"})
    void anEncodingThatWasNotAskedForIsRefused(String encoding) throws Exception {
        server.sends(encoding, bytes("x"));
        assertReason(Reason.UNEXPECTED_STATUS);
    }

    @Test
    void aZstdFrameThatWantsMoreMemoryThanItsStandardPermitsIsRefused() throws Exception {
        // magic number, no checksum and no size, window of 2^27 bytes, an empty last block
        byte[] frame = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, (byte) ((27 - 10) << 3), 1, 0, 0};
        server.sends("zstd", frame);
        assertReason(Reason.TRUNCATED_RESPONSE);
    }

    @Test
    void anAnswerWithoutBodyMayNameAnEncoding() throws Exception {
        server.answer = "HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            assertThat(client.get(server.url("/"), Map.of()).status()).isEqualTo(304);
        }
    }

    @Test
    void aBodyShorterThanDeclaredIsATruncatedResponse() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
        assertReason(Reason.TRUNCATED_RESPONSE);
    }

    @Test
    void aBodyThatDripsForEverTimesOutAsAWhole() throws Exception {
        server.body = out -> {
            out.write(bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
            while (!server.closing.await(50, TimeUnit.MILLISECONDS)) {
                out.write('x');
                out.flush();
            }
        };
        long start = System.nanoTime();
        assertReason(Reason.TIMEOUT);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
    }

    @Test
    void aServerThatSaysNothingTimesOut() throws Exception {
        server.body = out -> server.closing.await();
        assertReason(Reason.TIMEOUT);
    }

    @Test
    void endlessHeadersAreRefused() throws Exception {
        server.body = out -> {
            out.write(bytes("HTTP/1.1 200 OK\r\n"));
            for (int i = 0; i < 1_000; i++) {
                out.write(bytes("X-" + i + ": y\r\n"));
            }
            out.write(bytes("\r\n"));
        };
        assertReason(Reason.UNEXPECTED_STATUS);
    }

    @Test
    void whatIsNoHttpIsRefused() throws Exception {
        server.answer = "SSH-2.0-OpenSSH\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.get(server.url("/"), Map.of())).isInstanceOf(WebException.class);
        }
    }

    @Test
    void aClosedPortIsAFailedConnection() throws Exception {
        CanonicalUrl url = server.url("/");
        server.close();
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.get(url, Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CONNECTION_FAILED));
        }
    }

    @Test
    void anUnknownHostIsAFailedConnection() {
        DnsResolver unknown = new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) throws java.net.UnknownHostException {
                throw new java.net.UnknownHostException(host);
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
        try (var client = WebClient.open(LOOPBACK, unknown)) {
            assertThatThrownBy(() -> client.get(
                            CanonicalUrl.of("http://nowhere.example/").orElseThrow(), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CONNECTION_FAILED));
        }
    }

    @Test
    void redirectsEndSomewhereOrAreTooMany() throws Exception {
        server.answer = "HTTP/1.1 301 Moved\r\nLocation: /again\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.fetch(server.url("/"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TOO_MANY_REDIRECTS));
        }
        assertThat(server.requests).hasSize(LOOPBACK.maxRedirects() + 1);
    }

    @Test
    void aRedirectToAnotherSchemeIsABadUrl() throws Exception {
        server.answer = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.fetch(server.url("/"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BAD_URL));
        }
    }

    @Test
    void cookiesAreNotKept() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nSet-Cookie: id=1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK)) {
            client.get(server.url("/"), Map.of());
            client.get(server.url("/"), Map.of());
        }
        assertThat(server.requests).hasSize(2).noneMatch(request -> request.contains("Cookie"));
    }

    @Test
    void anInterruptGivesTheRequestUp() throws Exception {
        var started = new CountDownLatch(1);
        server.body = out -> {
            started.countDown();
            server.closing.await();
        };
        try (var client = WebClient.open(LOOPBACK)) {
            var failure = new ConcurrentLinkedQueue<Throwable>();
            Thread thread = Thread.ofVirtual()
                    .start(() -> failure.add(catchThrowable(() -> client.get(server.url("/"), Map.of()))));
            assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
            thread.interrupt();
            thread.join(20_000);
            assertThat(failure).hasSize(1).first().isInstanceOf(InterruptedException.class);
        }
    }

    @Test
    void aNotModifiedAnswerHasNoBody() throws Exception {
        server.answer = "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n";
        try (var client = WebClient.open(LOOPBACK, SystemDefaultDnsResolver.INSTANCE)) {
            WebResponse response = client.get(server.url("/"), Map.of("If-None-Match", "\"x\""));
            assertThat(response.status()).isEqualTo(304);
            assertThat(response.body()).isEmpty();
        }
    }

    private void assertReason(Reason reason) throws Exception {
        try (var client = WebClient.open(LOOPBACK)) {
            assertThatThrownBy(() -> client.get(server.url("/"), Map.of()))
                    .isInstanceOfSatisfying(
                            WebException.class,
                            e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason));
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** The text compressed; Brotli, for which there is no writer here, knows only these two texts. */
    private static byte[] packed(String encoding, String text) throws IOException {
        byte[] plain = text.equals(BOMB) ? new byte[20 << 20] : bytes(text);
        var out = new ByteArrayOutputStream();
        switch (encoding.toLowerCase(Locale.ROOT)) {
            case "zstd" -> {
                return Zstd.compress(plain);
            }
            case "br" -> {
                return Base64.getDecoder().decode(text.equals(BOMB) ? BROTLI_20_MIB_OF_ZEROS : BROTLI_HELLO);
            }
            default -> {
                try (var gzip = new GZIPOutputStream(out)) {
                    gzip.write(plain);
                }
                return out.toByteArray();
            }
        }
    }

    private interface Body {
        void write(OutputStream out) throws Exception;
    }

    /** Answers every request with the same bytes, whatever HTTP says of them, and then closes the connection. */
    private static final class RawServer implements AutoCloseable {
        private final ServerSocket socket;
        private final Thread acceptor;
        private final AtomicInteger connections = new AtomicInteger();
        private final ConcurrentLinkedQueue<String> requests = new ConcurrentLinkedQueue<>();
        private final CountDownLatch closing = new CountDownLatch(1);
        private volatile String answer = "";
        private volatile Body body = out -> out.write(bytes(answer));

        /** A body that claims to be compressed like that. */
        void sends(String encoding, byte[] content) {
            body = out -> {
                out.write(bytes("HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + "\r\nContent-Length: "
                        + content.length + "\r\n\r\n"));
                out.write(content);
            };
        }

        RawServer() throws IOException {
            socket = new ServerSocket();
            socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
            acceptor = Thread.ofVirtual().start(this::accept);
        }

        int port() {
            return socket.getLocalPort();
        }

        CanonicalUrl url(String path) {
            return CanonicalUrl.of("http://127.0.0.1:" + port() + path).orElseThrow();
        }

        private void accept() {
            while (!socket.isClosed()) {
                try {
                    Socket connection = socket.accept();
                    connections.incrementAndGet();
                    Thread.ofVirtual().start(() -> serve(connection));
                } catch (IOException e) {
                    return; // closed
                }
            }
        }

        private void serve(Socket connection) {
            try (connection) {
                var head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                    int next = connection.getInputStream().read();
                    if (next < 0) {
                        return;
                    }
                    head.append((char) next);
                }
                requests.add(head.toString());
                body.write(connection.getOutputStream());
                connection.getOutputStream().flush();
                connection.shutdownOutput();
                connection.getInputStream().readAllBytes(); // until the client has read and closed
            } catch (Exception e) {
                // the client went away, as some tests want it to
            }
        }

        @Override
        public void close() throws IOException {
            closing.countDown();
            socket.close();
            try {
                acceptor.join(20_000); // the port stays open for as long as somebody accepts on it
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
