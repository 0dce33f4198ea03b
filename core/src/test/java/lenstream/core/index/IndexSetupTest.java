package lenstream.core.index;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lenstream.core.model.Fingerprint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is asked of a cluster that builds graphs on GPUs, which no test can start: its answers are {@link EngineProbeTest}'s. */
class IndexSetupTest {
    private static final Fingerprint SPACE = new Fingerprint("test-1-00000000");
    private static final String GPU_BUILD = "/settings/index/knn.remote_index_build.enabled";

    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, JsonNode> created = new ConcurrentHashMap<>();
    private JsonNode settings = EngineProbeTest.REMOTE_BUILD;
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void graphsAreBuiltOnGpusWhereTheClusterOffersIt() {
        JsonNode body = prepared("auto");
        assertThat(body.at("/mappings/properties/embedding/method/engine").asText())
                .isEqualTo("faiss");
        assertThat(body.at(GPU_BUILD).asBoolean()).isTrue();
    }

    @Test
    void noSettingIsMadeThatTheEngineOrTheClusterHasNoUseFor() {
        assertThat(prepared("lucene").at(GPU_BUILD).isMissingNode()).isTrue();
        created.clear();
        settings = EngineProbeTest.NO_REMOTE_BUILD;
        JsonNode faiss = prepared("faiss");
        assertThat(faiss.at("/mappings/properties/embedding/method/engine").asText())
                .isEqualTo("faiss");
        assertThat(faiss.at(GPU_BUILD).isMissingNode()).isTrue();
    }

    /** The body that the image index is created with. */
    private JsonNode prepared(String engine) {
        IndexLayout layout = IndexLayout.defaults().withEngine(engine);
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(url))) {
            IndexSetup.prepare(client, layout, SPACE, 8, Duration.ofSeconds(10));
        }
        return requireNonNull(created.get(layout.imageIndex(SPACE)));
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String index = path.substring(1).replaceFirst("/.*", "");
        byte[] sent = exchange.getRequestBody().readAllBytes();
        JsonNode there = created.get(index);
        int status = 200;
        JsonNode answer = json.createObjectNode();
        if (path.startsWith("/_nodes")) {
            answer = EngineProbeTest.BUNDLE;
        } else if (path.startsWith("/_cluster/settings")
                && exchange.getRequestMethod().equals("GET")) {
            answer = settings;
        } else if (path.startsWith("/_alias")) {
            status = 404;
        } else if (!path.startsWith("/_")) {
            if (exchange.getRequestMethod().equals("PUT") && path.equals("/" + index)) {
                created.put(index, json.readTree(sent));
            } else if (there == null) {
                status = 404;
            } else {
                answer = ((ObjectNode) answer).set(index, there);
            }
        }
        byte[] bytes = answer.toString().getBytes(UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
        if (!head) {
            exchange.getResponseBody().write(bytes);
        }
        exchange.close();
    }
}
