package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Stream;
import lenstream.core.config.ConfigException;
import lenstream.core.config.Secret;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.pipeline.Placement;
import lenstream.gpu.text.TextTokens;
import lenstream.search.http.HttpConfig;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import lenstream.search.remote.RemoteConfig;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One server of ours embeds for another, with the bundled encoder, over real connections. */
@SuppressWarnings("MustBeClosed") // closed where one opens; it cannot see that within a lambda
class RemoteEncoderTest {
    private static final Path BUNDLE =
            Path.of(System.getProperty("lenstream.root", "..")).resolve("models/lensmini");
    private static final String TOKEN = "a-token-of-the-embedder";
    private static final List<String> TEXTS = List.of("a red flower", "two frogs", "a boat at night");

    private static BundleQueryEncoder local;
    private static SearchServer remote;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start() {
        SearchConfig config = SearchConfig.defaults(BUNDLE, "http://127.0.0.1:1")
                .withPort(0)
                .withGrpcPort(0)
                .withHttp(HttpConfig.of("{tokens: [{name: api, token: " + TOKEN + ", scopes: [read]}]}"));
        remote = SearchServer.start(config);
        local = BundleQueryEncoder.open(BUNDLE, Placement.CPU);
    }

    @AfterAll
    static void stop() {
        local.close();
        remote.close();
    }

    private static RemoteConfig at(String scheme) {
        return at(scheme, scheme.equals("grpc") ? remote.grpcPort() : remote.port());
    }

    private static RemoteConfig at(String scheme, int port) {
        return RemoteConfig.at(scheme + "://127.0.0.1:" + port)
                .withToken(new Secret(TOKEN))
                .withStartTimeout(Duration.ofSeconds(1));
    }

    @MustBeClosed
    private static BundleQueryEncoder open(RemoteConfig config) {
        return BundleQueryEncoder.open(BUNDLE, config, new Metrics());
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http"})
    void theVectorsAreThoseOfThisProcess(String scheme) throws Exception {
        byte[] picture = Files.readAllBytes(BUNDLE.resolve("golden/circles.png"));
        byte[] other = Files.readAllBytes(BUNDLE.resolve("golden/blocks.png"));
        try (BundleQueryEncoder encoder = open(at(scheme))) {
            for (String text : TEXTS) {
                assertThat(encoder.embedText(text)).containsExactly(local.embedText(text), offset(1e-6f));
                assertThat(encoder.tokens(text)).isEqualTo(local.tokens(text));
            }
            var region = new Region(3, 5, 40, 30);
            assertSame(embedded(encoder, picture, null, other), embedded(local, picture, null, other));
            assertSame(embedded(encoder, picture, region, other), embedded(local, picture, region, other));
        }
    }

    /** The vectors of two pictures in one call. */
    private static List<float[]> embedded(QueryEncoder encoder, byte[] one, @Nullable Region region, byte[] two)
            throws Exception {
        try (QueryEncoder.Prepared first = encoder.prepare(one, region);
                QueryEncoder.Prepared second = encoder.prepare(two, null)) {
            return encoder.embedImages(List.of(first, second)).stream()
                    .map(row -> ((Embedding.Vector) row).values())
                    .toList();
        }
    }

    private static void assertSame(List<float[]> found, List<float[]> expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i)).containsExactly(expected.get(i), offset(1e-5f));
        }
    }

    @Test
    void aServerThatIsNotThereStopsTheStartWithTheRemedy() {
        assertThatThrownBy(() -> open(at("grpc", 1)).close())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("127.0.0.1:1")
                .hasMessageContaining("start the inference server");
        assertThatThrownBy(() -> open(RemoteConfig.at("http://127.0.0.1:" + remote.port())
                                .withStartTimeout(Duration.ofSeconds(1)))
                        .close())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("401");
    }

    @Test
    void anotherEncoderIsRefused() {
        SearchConfig config =
                SearchConfig.defaults(BUNDLE, "http://127.0.0.1:1").withPort(0).withGrpcPort(0);
        try (SearchServer fake = SearchServer.start(config, new FakeEncoder())) {
            var models = new RemoteConfig(
                    List.of("grpc://127.0.0.1:" + fake.grpcPort()),
                    "fake-image",
                    "fake-text",
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(2),
                    8,
                    4,
                    null,
                    null);
            assertThatThrownBy(() -> open(models).close())
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("fake-1-00000000")
                    .hasMessageContaining("lensmini-1");
        }
    }

    /** The other side is another encoder, and that is found out by both protocols: the call itself went through. */
    @ParameterizedTest
    @ValueSource(strings = {"grpcs", "https"})
    void tlsAndTokensAreSpoken(String scheme, @TempDir Path folder) throws Exception {
        MannersTest.selfSigned(folder);
        Path certificate = folder.resolve("cert.pem");
        SearchConfig config = SearchConfig.defaults(BUNDLE, "http://127.0.0.1:1")
                .withPort(0)
                .withGrpcPort(0)
                .withHttp(HttpConfig.of(
                        "{tokens: [{name: api, token: " + TOKEN + ", scopes: [read]}], tls: {certificate: "
                                + certificate + ", key: " + folder.resolve("key.pem") + "}}"));
        try (SearchServer fake = SearchServer.start(config, new FakeEncoder())) {
            int port = scheme.equals("grpcs") ? fake.grpcPort() : fake.port();
            var trusting = new RemoteConfig(
                    List.of(scheme + "://localhost:" + port),
                    "fake-image",
                    "fake-text",
                    Duration.ofSeconds(2),
                    Duration.ofMillis(1),
                    8,
                    4,
                    new Secret(TOKEN),
                    certificate);
            assertThatThrownBy(() -> open(trusting).close()).hasMessageContaining("fake-1-00000000");
            assertThatThrownBy(() -> open(trusting.withToken(new Secret("another-token-of-someone")))
                            .close())
                    .hasMessageMatching("(?s).*(401|UNAUTHENTICATED).*");
            var plain = new RemoteConfig(
                    List.of(scheme + "://localhost:" + port),
                    "fake-image",
                    "fake-text",
                    Duration.ofSeconds(2),
                    Duration.ofMillis(1),
                    8,
                    4,
                    new Secret(TOKEN),
                    null);
            assertThatThrownBy(() -> open(plain).close()) // signed by nobody whom the JDK trusts
                    .hasMessageMatching("(?s).*(SSLHandshake|UNAVAILABLE).*");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http"})
    void whileTheServerIsGoneQueriesAreRefusedAtOnceAndThenAnsweredAgain(String scheme) throws Exception {
        try (var relay = new Relay(scheme.equals("grpc") ? remote.grpcPort() : remote.port());
                BundleQueryEncoder encoder = open(at(scheme, relay.port()))) {
            assertThat(encoder.embedText("before")).hasSize(384);
            relay.down();
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> encoder.embedText("meanwhile"))
                        .isInstanceOfSatisfying(
                                ProblemException.class,
                                problem -> assertThat(problem.status()).isEqualTo(503));
            }
            long start = System.nanoTime(); // it is left alone now
            assertThatThrownBy(() -> encoder.embedText("meanwhile")).isInstanceOf(ProblemException.class);
            assertThat(System.nanoTime() - start).isLessThan(1_000_000_000); // its time limit is 2 s
            relay.up();
            long end = System.nanoTime() + 15_000_000_000L;
            float[] found = null;
            while (found == null) {
                try {
                    found = encoder.embedText("after");
                } catch (ProblemException e) {
                    assertThat(System.nanoTime()).as(e.detail()).isLessThan(end);
                    Thread.sleep(50);
                }
            }
            assertThat(found).containsExactly(local.embedText("after"), offset(1e-6f));
        }
    }

    /** A graph alone takes tokens, and gives one vector for each: tokenizer and pooling are then on our side. */
    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http"})
    void aTextModelThatTakesTokensGetsThem(String scheme) throws Exception {
        ModelBundle bundle = ModelBundle.load(BUNDLE);
        var vectors = new HashMap<List<Long>, float[]>();
        var asked = new CopyOnWriteArrayList<List<Long>>();
        try (TextTokens tokens = TextTokens.open(bundle)) {
            Stream.concat(TEXTS.stream(), goldenTexts())
                    .forEach(text -> vectors.put(boxed(tokens.ids(text)), local.embedText(text)));
        }
        Function<long[], float[]> known = ids -> {
            asked.add(boxed(ids));
            return Objects.requireNonNull(vectors.get(boxed(ids)), () -> "unknown " + boxed(ids));
        };
        try (var server = new TokenServer(known, remote.uri(), TOKEN);
                var grpc = new GrpcTokenServer(known, remote.grpcPort(), TOKEN);
                BundleQueryEncoder encoder = open(at(scheme, scheme.equals("grpc") ? grpc.port() : server.port()))) {
            asked.clear();
            assertSame(
                    encoder.embedTexts(TEXTS),
                    TEXTS.stream().map(local::embedText).toList());
            assertThat(asked).hasSize(TEXTS.size());
        }
    }

    private static Stream<String> goldenTexts() throws IOException {
        return new ObjectMapper()
                .readTree(BUNDLE.resolve("golden.json").toFile())
                .path("texts")
                .valueStream()
                .map(text -> text.path("text").asText());
    }

    private static List<Long> boxed(long[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    @Test
    void theOtherServerIsAskedWhenOneIsGone() throws Exception {
        try (var one = new Relay(remote.grpcPort());
                var two = new Relay(remote.grpcPort());
                BundleQueryEncoder encoder = open(new RemoteConfig(
                        List.of("grpc://127.0.0.1:" + one.port(), "grpc://127.0.0.1:" + two.port()),
                        null,
                        null,
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(2),
                        8,
                        4,
                        new Secret(TOKEN),
                        null))) {
            one.down();
            for (int i = 0; i < 10; i++) {
                assertThat(encoder.embedText("text " + i)).hasSize(384);
            }
        }
    }
}
