package lenstream.search;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import lenstream.search.http.HttpConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What no friendly client sends: each gets a problem of the 4xx kind, or an ordinary answer where it is harmless, and the
 * server answers the next one. {@link #mutatedRequestsNeverFailTheServer} changes good requests at random; {@code
 * -Dlenstream.fuzz.seconds=600 -Dlenstream.fuzz.seed=N} makes it long:
 *
 * <p>{@code mvn verify -pl search-api -Dtest=NONE -Dit.test=HostileInputIT -Dlenstream.fuzz.seconds=600}
 */
@ExtendWith(GalleryIndex.Extension.class)
class HostileInputIT {
    private static final int SECONDS = Integer.getInteger("lenstream.fuzz.seconds", 4);
    private static final long SEED = Long.getLong("lenstream.fuzz.seed", 1);
    private static final int LIMIT_MILLIS = 20_000;

    private static GalleryIndex index;
    private static SearchServer server;
    private static Http http;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) {
        index = shared;
        server = SearchServer.start(
                index.config().withHttp(HttpConfig.of("{max_body: 8MiB, header_timeout: 2s, body_timeout: 3s}")));
        http = new Http(server.uri());
    }

    @AfterAll
    static void stop() {
        assertThat(http.get("/health/ready").status()).isEqualTo(200);
        assertThat(http.get("/v1/search?q=frog").status()).isEqualTo(200);
        server.close();
    }

    static Stream<String> jsonBodies() {
        String deep = "[".repeat(100_000);
        return Stream.of(
                "",
                "{",
                "null",
                "[]",
                "7",
                "\"text\"",
                "{\"text\":\"a\"}{\"text\":\"b\"}",
                "{\"text\":\"a\",\"text\":\"b\"}",
                "{\"text\":null}",
                "{\"text\":{}}",
                "{\"text\":\"   \"}",
                "{\"text\":\"" + "a".repeat(2_001) + "\"}",
                "{\"text\":\"a\",\"k\":-1}",
                "{\"text\":\"a\",\"k\":1e99}",
                "{\"text\":\"a\",\"k\":99999999999999999999999999}",
                "{\"text\":\"a\",\"min_score\":NaN}",
                "{\"text\":\"a\",\"min_score\":\"NaN\"}",
                "{\"text\":\"a\",\"min_cosine\":\"Infinity\"}",
                "{\"text\":\"a\",\"diversity\":-0.1}",
                "{\"text\":\"a\",\"filter\":[]}",
                "{\"text\":\"a\",\"filter\":{\"min_width\":\"1; drop\"}}",
                "{\"text\":\"a\",\"filter\":{\"published_from\":\"0000-99-99\"}}",
                "{\"text\":\"a\",\"filter\":{\"host\":{\"script\":\"x\"}}}",
                "{\"text\":\"a\",\"cursor\":\"" + "A".repeat(300) + "\"}",
                "{\"text\":\"a\",\"region\":[0,0,1,1]}",
                "{\"image\":\"!!!\"}",
                "{\"image\":\"data:image/png,plain\"}",
                "{\"image_url\":\"file:///etc/passwd\"}",
                "{\"image_url\":\"http://169.254.169.254/latest/meta-data/\"}",
                "{\"image_url\":\"http://[::1]:22/\"}",
                "{\"image_url\":\"gopher://127.0.0.1:6379/_FLUSHALL\"}",
                "{\"id\":\"../../_cat/indices\"}",
                "{\"id\":\"" + "0".repeat(32) + "\",\"region\":[0,0,2147483648,1]}",
                "{\"vector\":[]}",
                "{\"vector\":[" + "0,".repeat(383) + "0]}",
                "{\"vector\":[" + "1e39,".repeat(383) + "1]}",
                "{\"vector\":[" + "1e400,".repeat(383) + "1]}",
                "{\"vector\":[NaN]}",
                "{\"vector\":[" + "1,".repeat(20_000) + "1]}",
                "{\"vector\":[[[1]]]}",
                "{\"queries\":[]}",
                "{\"queries\":[{\"queries\":[]}]}",
                "{\"queries\":[{\"text\":\"a\",\"weight\":1e308}]}",
                "{\"queries\":[" + "{\"text\":\"a\"},".repeat(50) + "{\"text\":\"a\"}]}",
                "{\"a\":" + deep,
                deep,
                "{\"k\":" + "9".repeat(100_000) + ",\"text\":\"a\"}");
    }

    @ParameterizedTest
    @MethodSource("jsonBodies")
    void jsonThatIsNoSearchIsRefused(String body) {
        Http.Answer answer = http.postJson("/v1/search", body);
        assertRefused(answer);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"model\":\"lensmini\",\"input\":[1,2,3]}",
                "{\"model\":\"lensmini\",\"input\":\"\"}",
                "{\"model\":\"lensmini\",\"input\":{\"a\":1}}",
                "{\"model\":\"lensmini\",\"input\":\"a\",\"dimensions\":-1}",
                "{\"model\":\"lensmini\",\"input\":\"a\",\"encoding_format\":\"hex\"}",
                "{\"model\":[],\"input\":\"a\"}",
                "[[[["
            })
    void embeddingsThatAreNoneAreRefused(String body) {
        assertRefused(http.postJson("/v1/embeddings", body));
        assertRefused(http.postJson("/v2/models/lensmini-text/infer", body));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[9223372036854775807,3,224,224],\"data\":[]}]}",
                "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[-1,3,224,224],\"data\":[1]}]}",
                "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[256,3,224,224],\"data\":[1]}]}",
                "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"AAAA\"],"
                        + "\"parameters\":{\"binary_data_size\":2147483647}}]}",
                "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"BYTES\",\"shape\":[2],\"data\":[\"AAAA\"]}]}",
                "{\"inputs\":{}}"
            })
    void tensorsThatClaimWhatTheyAreNotAreRefused(String body) {
        assertRefused(http.postJson("/v2/models/lensmini-image/infer", body));
        assertRefused(http.post(
                "/v2/models/lensmini-image/infer",
                "application/octet-stream",
                body.getBytes(UTF_8),
                "Inference-Header-Content-Length",
                "-5"));
    }

    private static String distinct(int count, IntFunction<String> part) {
        return IntStream.range(0, count).mapToObj(part).collect(Collectors.joining());
    }

    @Test
    void oddTextsAreAnsweredOrRefused() {
        for (String text : List.of(
                "\\ud800",
                "\\udc00\\ud800",
                "\\u0000",
                "\\u202e\\u0000frog",
                "\\ud83d\\udc38".repeat(900),
                "a" + "\\ud83d\\udc38".repeat(900),
                "\\u200b",
                "a".repeat(2_000),
                "\\uffff",
                distinct(400, i -> "w" + i + " "), // as many clauses as words, in every field
                distinct(1_900, i -> String.valueOf((char) (0x4e00 + i))), // each a word of its own
                distinct(400, i -> Integer.toString(46_656 + 97 * i, 36)))) { // as many parts of words as letters
            assertNoFault(http.postJson("/v1/search", "{\"text\":\"" + text + "\",\"k\":1}"));
            assertNoFault(http.postJson("/v1/search", "{\"text\":\"" + text + "\",\"k\":1,\"mode\":\"hybrid\"}"));
        }
        for (String broken : List.of(
                "\u00ff\u00fe", // no such bytes
                "\u00c0\u00af", // a slash in two bytes
                "\u00ed\u00a0\u0080", // half of a pair
                "\u00f4\u0090\u0080\u0080", // beyond the last character
                "\u00e2\u0082")) { // cut off
            byte[] body = ("{\"text\":\"frog " + broken + "\"}").getBytes(ISO_8859_1);
            for (String path : List.of("/v1/search", "/v1/alerts", "/v1/takedowns", "/v1/crawl")) {
                assertRefused(http.post(path, "application/json", body));
            }
        }
        byte[] utf16 = "{\"text\":\"frog\"}".getBytes(StandardCharsets.UTF_16);
        assertNoFault(http.post("/v1/search", "application/json", utf16));
    }

    @ParameterizedTest
    @ValueSource(strings = {"json", ";;;", "/", "application/", "text/plain", "a/b/c"})
    void bodiesOfUnknownTypesAreRefused(String type) {
        Http.Answer answer = http.post("/v1/search", type, "{\"text\":\"frog\"}".getBytes(UTF_8));
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @Test
    void picturesThatAreNoneAreRefused() throws Exception {
        byte[] jpeg = Files.readAllBytes(index.pictures.get(7).file());
        byte[] zipped = gzip(new byte[64 << 20]);
        var pictures = new ArrayList<byte[]>(List.of(
                new byte[0],
                new byte[1],
                "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".getBytes(UTF_8),
                "GIF89a".getBytes(UTF_8),
                "RIFF\u00ff\u00ff\u00ff\u00ffWEBPVP8 ".getBytes(ISO_8859_1),
                png(50_000, 50_000),
                png(Integer.MAX_VALUE, Integer.MAX_VALUE),
                png(0, 10),
                zipped,
                Arrays.copyOf(jpeg, 40)));
        for (byte[] picture : pictures) {
            assertRefused(http.post("/v1/search", "image/jpeg", picture));
            assertRefused(http.postJson(
                    "/v1/search", "{\"image\":\"" + Base64.getEncoder().encodeToString(picture) + "\"}"));
        }
        assertRefused(http.post("/v1/search?region=0,0,-1,9", "image/jpeg", jpeg));
        assertNoFault(http.post("/v1/search?k=1&region=0,0,2147483647,2147483647", "image/jpeg", jpeg));
        try {
            assertRefused(http.post("/v1/search", "image/jpeg", new byte[9 << 20]));
        } catch (UncheckedIOException e) {
            assertThat(e)
                    .hasMessageNotContaining("timed out"); // the refusal was overtaken by the end of the connection
        }
        assertNoFault(http.post("/v1/search?k=1", "image/jpeg", jpeg, "Content-Encoding", "gzip"));
        // the engine refuses a coded body by its header and closes: who still sends may find the connection reset
        try {
            assertNoFault(http.post("/v1/search", "image/jpeg", zipped, "Content-Encoding", "gzip"));
        } catch (UncheckedIOException e) {
            assertThat(e).hasCauseInstanceOf(IOException.class);
        }
        assertNoFault(http.post("/v1/search?k=1", "image/jpeg", jpeg));
    }

    @Test
    void formsThatAreNoneAreRefused() {
        for (String type : List.of(
                "multipart/form-data",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=" + "b".repeat(10_000),
                "multipart/form-data; boundary=x")) {
            for (String body : List.of(
                    "",
                    "--x",
                    "--x\r\n",
                    "--x--",
                    "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n",
                    "--x\r\n\r\n\r\n".repeat(1_000))) {
                assertRefused(http.post("/v1/search", type, body.getBytes(UTF_8)));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/images/../../etc/passwd HTTP/1.1",
                "GET /ui/..%2f..%2fetc%2fpasswd HTTP/1.1",
                "GET /ui/%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
                "GET /ui/..\\..\\etc\\passwd HTTP/1.1",
                "GET /ui/%00 HTTP/1.1",
                "GET /v1/images/%2e%2e%2f_cat HTTP/1.1",
                "GET /v1/search?q=%zz HTTP/1.1",
                "GET /v1/search?q=%ff%fe&k=%00 HTTP/1.1",
                "GET /v1/search?k=5 HTTP/1.1",
                "GET /v1/search?q=a&q=b HTTP/1.1",
                "GET //evil.example/ HTTP/1.1",
                "GET * HTTP/1.1",
                "GET  /  HTTP/1.1",
                "BREW /v1/search HTTP/1.1",
                "GET /v1/search?q=a HTTP/9.9",
                "GET /v1/search?q=a",
                "\u0000\u0001\u0002\u0003"
            })
    void pathsAndRequestLinesWithTricksAreRefused(String line) throws Exception {
        assertRefused(raw(line + "\r\nHost: 127.0.0.1:" + server.port() + "\r\nConnection: close\r\n\r\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: -1\r\n\r\n",
                "Content-Length: 1e3\r\n\r\n",
                "Content-Length: 99999999999999999999\r\n\r\n",
                "Content-Length: 4294967299\r\n\r\nabc",
                "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
                "Bad Header: x\r\n\r\n",
                ": empty\r\n\r\n"
            })
    void framingWithTricksIsRefused(String rest) throws Exception {
        assertRefused(raw("POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + rest));
    }

    @Test
    void headersWithoutEndAreRefused() throws Exception {
        assertRefused(raw("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + "a".repeat(1 << 20) + "\r\n\r\n"));
        assertRefused(raw("GET / HTTP/1.1\r\nHost: x\r\n" + "X-Many: a\r\n".repeat(100_000) + "\r\n"));
        assertRefused(raw("GET /" + "a".repeat(1 << 20) + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    @Test
    void clientsThatTrickleHoldNoOneUpAndAreLetGo() throws Exception {
        var slow = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 60; i++) {
                var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                socket.setSoTimeout(LIMIT_MILLIS);
                String begun = i % 2 == 0
                        ? "GET /v1/search?q=a HTTP/1.1\r\nHost: x\r\nX-"
                        : "POST /v1/search HTTP/1.1\r\n"
                                + "Host: x\r\n"
                                + "Content-Type: image/jpeg\r\n"
                                + "Content-Length: 500000\r\n\r\n"
                                + "ab";
                socket.getOutputStream().write(begun.getBytes(ISO_8859_1));
                slow.add(socket);
            }
            for (int i = 0; i < 5; i++) {
                assertThat(http.get("/v1/search?q=frog" + i).status()).isEqualTo(200);
            }
            for (Socket socket : slow) { // each ends by itself: with an answer of the 4xx kind, or without one
                assertThat(toEnd(socket))
                        .satisfiesAnyOf(
                                a -> assertThat(a).isEmpty(), a -> assertThat(a).startsWith("HTTP/1.1 4"));
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 500000\r\n\r\n",
                "GET /v1/search?q=a HTTP/1.1\r\nHost: x\r\nX-Long: "
            })
    void whatTricklesIsCutOff(String begun) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(200);
            var out = socket.getOutputStream();
            out.write(begun.getBytes(ISO_8859_1));
            long end = System.nanoTime() + 15_000_000_000L;
            int available = 0;
            while (available == 0 && System.nanoTime() < end) { // never silent for long, far too slow as a whole
                try {
                    out.write('x');
                    available = socket.getInputStream().read();
                } catch (SocketTimeoutException e) {
                    available = 0;
                } catch (SocketException e) {
                    available = -1; // closed while we wrote
                }
            }
            assertThat(available).isIn((int) 'H', -1);
            assertThat(System.nanoTime()).isLessThan(end);
        }
    }

    @Test
    void mutatedRequestsNeverFailTheServer() throws Exception {
        var random = new Random(SEED);
        byte[] jpeg = Files.readAllBytes(index.pictures.get(3).file());
        List<String> good = List.of(
                "{\"text\":\"a"
                        + " frog\",\"k\":3,\"filter\":{\"host\":\"gallery.test\"},\"facets\":[\"site\"],\"mode\":\"hybrid\"}",
                "{\"queries\":[{\"text\":\"frog\",\"weight\":0.5},{\"text\":\"red\",\"weight\":-1}],\"diversity\":0.4,\"explain\":true}",
                "{\"text\":\"flower\",\"min_cosine\":0.2,\"collapse\":false,\"k\":2}",
                "{\"id\":\"" + index.pictures.get(5).id() + "\",\"region\":[0,0,40,40],\"k\":2}");
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        int count = 0;
        while (System.nanoTime() < end) {
            Http.Answer answer = switch (random.nextInt(4)) {
                case 0 -> http.post("/v1/search?k=1", "image/jpeg", mutated(jpeg, random));
                case 1 ->
                    http.post(
                            "/v1/embeddings",
                            "application/json",
                            mutated("{\"model\":\"lensmini\",\"input\":[\"a\",\"b\"]}".getBytes(UTF_8), random));
                case 2 ->
                    http.post(
                            "/v2/models/lensmini-text/infer",
                            "application/json",
                            mutated(
                                    "{\"inputs\":[{\"name\":\"text\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}]}"
                                            .getBytes(UTF_8),
                                    random));
                default ->
                    http.post(
                            "/v1/search",
                            "application/json",
                            mutated(good.get(random.nextInt(good.size())).getBytes(UTF_8), random));
            };
            assertThat(answer.status())
                    .as(
                            "seed %d, request %d: %s",
                            SEED, count, new String(answer.response().body(), UTF_8))
                    .isLessThan(500);
            count++;
        }
        System.out.println("fuzz: " + count + " requests, seed " + SEED);
        assertThat(count).isPositive();
    }

    /** One to eight changes: a bit, a byte, a piece left out, doubled or moved. */
    private static byte[] mutated(byte[] good, Random random) {
        byte[] bytes = good.clone();
        for (int n = 1 + random.nextInt(8); n > 0 && bytes.length > 1; n--) {
            int at = random.nextInt(bytes.length);
            int length = 1 + random.nextInt(Math.min(32, bytes.length - at));
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes = joined(bytes, 0, at, at + length, bytes.length);
                case 3 -> bytes = joined(bytes, 0, at + length, at, bytes.length);
                default -> bytes = joined(bytes, at, bytes.length, 0, at);
            }
        }
        return bytes;
    }

    private static byte[] joined(byte[] from, int a, int b, int c, int d) {
        return ByteBuffer.allocate(b - a + d - c)
                .put(from, a, b - a)
                .put(from, c, d - c)
                .array();
    }

    private static void assertRefused(Http.Answer answer) {
        assertThat(answer.status())
                .as(new String(answer.response().body(), UTF_8))
                .isBetween(400, 499);
    }

    private static void assertNoFault(Http.Answer answer) {
        assertThat(answer.status())
                .as(new String(answer.response().body(), UTF_8))
                .isLessThan(500);
    }

    /** A status of the 4xx kind, or a connection that was closed without one. */
    private static void assertRefused(String answer) {
        if (!answer.isEmpty()) {
            assertThat(answer).startsWith("HTTP/1.1 4");
        }
    }

    private static String raw(String request) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(LIMIT_MILLIS);
            try {
                socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            } catch (SocketException e) {
                return ""; // closed while we wrote
            }
            return firstLine(socket);
        }
    }

    private static String firstLine(Socket socket) throws IOException {
        var line = new ByteArrayOutputStream();
        try {
            InputStream in = socket.getInputStream();
            int next;
            while ((next = in.read()) >= 0 && next != '\r') {
                line.write(next);
            }
        } catch (SocketException e) {
            return line.toString(ISO_8859_1); // reset
        }
        return line.toString(ISO_8859_1);
    }

    private static String toEnd(Socket socket) throws IOException {
        try {
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        } catch (SocketException e) {
            return "";
        }
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    /** The beginning of a PNG that claims to be of this size. */
    private static byte[] png(int width, int height) {
        ByteBuffer header = ByteBuffer.allocate(17)
                .put("IHDR".getBytes(ISO_8859_1))
                .putInt(width)
                .putInt(height)
                .put(new byte[] {8, 6, 0, 0, 0});
        var crc = new CRC32();
        crc.update(header.array());
        return ByteBuffer.allocate(8 + 4 + 17 + 4)
                .put(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10})
                .putInt(13)
                .put(header.array())
                .putInt((int) crc.getValue())
                .array();
    }
}
