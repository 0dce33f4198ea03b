package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Open Inference Protocol over real HTTP, with a fake encoder: dimension 4, images of 2 x 2 pixels. */
class InferenceRouteTest {
    private static final String TEXT = "/v2/models/fake-text/infer";
    private static final String IMAGE = "/v2/models/fake-image/versions/1/infer";

    private final FakeEncoder encoder = new FakeEncoder();
    private SearchServer server;
    private Http http;

    @BeforeEach
    @SuppressWarnings("MustBeClosed") // closed after each test
    void start() {
        server = SearchServer.start(
                SearchConfig.defaults(Path.of("none"), "http://127.0.0.1:1").withPort(0), encoder);
        http = new Http(server.uri());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void theServerAndItsModelsDescribeThemselves() {
        assertThat(http.get("/v2").json().at("/extensions/0").asText()).isEqualTo("binary_tensor_data");
        assertThat(http.get("/v2/health/live").json().path("live").asBoolean()).isTrue();
        assertThat(http.get("/v2/health/ready").json().path("ready").asBoolean())
                .isTrue();
        JsonNode model = http.get("/v2/models/fake-image").json();
        assertThat(model.at("/inputs/0/datatype").asText()).isEqualTo("BYTES");
        assertThat(model.at("/outputs/0/shape").toString()).isEqualTo("[-1,4]");
        assertThat(model.at("/parameters/also_accepts").asText()).isEqualTo("FP32 [-1,3,2,2]");
        assertThat(http.get("/v2/models/fake-text/versions/1/ready")
                        .json()
                        .path("ready")
                        .asBoolean())
                .isTrue();
        Http.Answer unknown = http.get("/v2/models/clip");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.json().path("error").asText()).contains("fake-text and fake-image");
        assertThat(http.get("/v2/models/fake-text/versions/2").status()).isEqualTo(404);
    }

    @Test
    void textsBecomeRows() {
        JsonNode answer = http.postJson(TEXT, """
                {"id":"42","inputs":[{"name":"text","shape":[2,1],"datatype":"BYTES","data":[["a"],["b"]]}],
                 "outputs":[{"name":"embedding"}]}""").json();
        assertThat(answer.path("id").asText()).isEqualTo("42");
        assertThat(answer.path("model_name").asText()).isEqualTo("fake-text");
        assertThat(answer.at("/outputs/0/shape").toString()).isEqualTo("[2,4]");
        JsonNode data = answer.at("/outputs/0/data");
        assertThat(data).hasSize(8);
        for (int i = 0; i < 4; i++) {
            assertThat((float) data.get(i).asDouble()).isEqualTo(encoder.embedText("a")[i]);
        }
    }

    @Test
    void imagesComeAsBase64InJson() throws Exception {
        byte[] image = {7, 8, 9};
        JsonNode answer = http.postJson(
                        IMAGE,
                        "{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[\""
                                + Base64.getEncoder().encodeToString(image) + "\"]}]}")
                .json();
        float[] expected = FakeEncoder.ofImage(image);
        for (int i = 0; i < 4; i++) {
            assertThat((float) answer.at("/outputs/0/data").get(i).asDouble()).isEqualTo(expected[i]);
        }
    }

    @Test
    void binaryTensorsGoBothWays() throws Exception {
        byte[] image = {7, 8, 9};
        ByteBuffer tensor = ByteBuffer.allocate(7).order(ByteOrder.LITTLE_ENDIAN);
        tensor.putInt(3).put(image);
        Http.Answer answer =
                binary("[1]", "BYTES", tensor.array(), ",\"parameters\":{\"binary_data_output\":true}", null);
        assertThat(answer.status()).isEqualTo(200);
        int length = Integer.parseInt(answer.header("Inference-Header-Content-Length"));
        byte[] body = answer.response().body();
        JsonNode json = new ObjectMapper().readTree(Arrays.copyOf(body, length));
        assertThat(json.at("/outputs/0/parameters/binary_data_size").asInt()).isEqualTo(16);
        assertThat(floats(body, length)).containsExactly(FakeEncoder.ofImage(image));
    }

    @Test
    void preprocessedTensorsAreTaken() {
        ByteBuffer tensor = ByteBuffer.allocate(2 * 12 * 4).order(ByteOrder.LITTLE_ENDIAN);
        tensor.putFloat(1).putFloat(1).putFloat(12 * 4, 1);
        JsonNode binary =
                binary("[2,3,2,2]", "FP32", tensor.array(), "", null).json().at("/outputs/0/data");
        assertThat(binary.toString()).isEqualTo("[0.0,0.0,1.0,0.0,0.0,1.0,0.0,0.0]");
        String nested = "[[[[1,0],[0,0]],[[0,0],[0,0]],[[0,0],[0,0]]]]";
        JsonNode json = http.postJson(
                        IMAGE,
                        "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,3,2,2],\"datatype\":\"FP32\",\"data\":" + nested
                                + "}]}")
                .json();
        assertThat(json.at("/outputs/0/data").toString()).isEqualTo("[0.0,1.0,0.0,0.0]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ | no valid JSON",
                "{\"inputs\":[]} | exactly one tensor",
                "{\"inputs\":[{\"name\":\"x\"}]} | is named image",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"INT8\",\"data\":[1]}]} | takes BYTES",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[2],\"datatype\":\"BYTES\",\"data\":[\"AA==\"]}]} | 2 elements",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[1]}]} | list of strings",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1],\"datatype\":\"BYTES\"}]} | needs data",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[0],\"datatype\":\"BYTES\",\"data\":[]}]} | 1 to 256",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[\"a\"],\"datatype\":\"BYTES\",\"data\":[]}]} | whole numbers",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,3,4,4],\"datatype\":\"FP32\",\"data\":[]}]} | shape must be",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,3,2,2],\"datatype\":\"FP32\",\"data\":[1]}]} | has 1.",
                "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,3,2,2],\"datatype\":\"FP32\",\"data\":[\"a\"]}]} | must be numbers",
                "{\"inputs\":[{\"name\":\"image\"}],\"outputs\":[{\"name\":\"y\"}]} | named embedding",
            })
    void whatIsWrongIsSaidInTheProtocolsWay(String body, String message) {
        Http.Answer answer = http.postJson(IMAGE, body);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().path("error").asText()).contains(message);
    }

    @Test
    void brokenBinaryDataIsRefused() {
        assertError(binary("[1]", "BYTES", new byte[] {9, 0, 0, 0, 1}, "", null), "cut off");
        assertError(binary("[1]", "BYTES", new byte[] {9}, "", null), "cut off");
        assertError(binary("[1]", "BYTES", new byte[] {-1, -1, -1, -1}, "", null), "cut off");
        assertError(binary("[1,3,2,2]", "FP32", new byte[8], "", null), "12 values, the data has 2");
        assertError(binary("[1,3,2,2]", "FP32", new byte[49], "", null), "12 values");
        assertError(binary("[256]", "BYTES", new byte[4 * 300], "", null), "1 to 256 rows");
        byte[] nan = new byte[48];
        ByteBuffer.wrap(nan).order(ByteOrder.LITTLE_ENDIAN).putFloat(Float.NaN);
        assertError(binary("[1,3,2,2]", "FP32", nan, "", null), "finite");
        assertError(binary("[1]", "BYTES", new byte[0], "", "99999"), "must be the length");
        assertError(binary("[1]", "BYTES", new byte[0], "", "x"), "must be the length");
    }

    private Http.Answer binary(String shape, String datatype, byte[] tensor, String more, @Nullable String length) {
        byte[] json = ("{\"inputs\":[{\"name\":\"image\",\"shape\":" + shape + ",\"datatype\":\"" + datatype
                        + "\",\"parameters\":{\"binary_data_size\":" + tensor.length + "}}]" + more + "}")
                .getBytes(UTF_8);
        byte[] body = Arrays.copyOf(json, json.length + tensor.length);
        System.arraycopy(tensor, 0, body, json.length, tensor.length);
        String header = length == null ? Integer.toString(json.length) : length;
        return http.post(IMAGE, "application/octet-stream", body, "Inference-Header-Content-Length", header);
    }

    private static void assertError(Http.Answer answer, String message) {
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().path("error").asText()).contains(message);
    }

    private static float[] floats(byte[] body, int from) {
        var values = new float[(body.length - from) / Float.BYTES];
        ByteBuffer.wrap(body, from, body.length - from)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }
}
