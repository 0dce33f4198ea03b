package lenstream.search.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** By REST, with the binary tensor extension. Thread-safe; owns its connections. */
final class RestClient implements InferenceClient {
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final String JSON_LENGTH = "Inference-Header-Content-Length";

    private final URI base;
    private final String authorization;
    private final HttpClient http;

    RestClient(URI base, RemoteConfig config) {
        this.base = base;
        this.authorization =
                config.token() == null ? "" : "Bearer " + config.token().value();
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(config.timeout());
        if (base.getScheme().equals("https") && config.authority() != null) {
            builder.sslContext(Authority.context(config.authority()));
        }
        this.http = builder.build();
    }

    @Override
    public String server(Duration limit) throws RemoteException {
        return json(send(request("/v2", limit).GET())).path("name").asText();
    }

    @Override
    public Model model(String name, Duration limit) throws RemoteException {
        JsonNode model = json(send(request("/v2/models/" + name, limit).GET()));
        return new Model(
                model.path("name").asText(),
                tensors(model.path("inputs")),
                tensors(model.path("outputs")),
                model.at("/parameters/fingerprint").asText());
    }

    private static List<Tensor> tensors(JsonNode list) {
        var tensors = new ArrayList<Tensor>();
        for (JsonNode tensor : list) {
            var shape = new ArrayList<Long>();
            tensor.path("shape").forEach(side -> shape.add(side.asLong()));
            tensors.add(new Tensor(
                    tensor.path("name").asText(), tensor.path("datatype").asText(), shape));
        }
        return tensors;
    }

    @Override
    public ByteBuffer infer(Call call, Duration limit) throws RemoteException {
        ObjectNode question = NODES.objectNode();
        ArrayNode inputs = question.putArray("inputs");
        var tensors = new ByteArrayOutputStream();
        for (Input input : call.inputs()) {
            ObjectNode tensor = inputs.addObject().put("name", input.name()).put("datatype", input.datatype());
            ArrayNode shape = tensor.putArray("shape");
            for (long side : input.shape()) {
                shape.add(side);
            }
            tensor.putObject("parameters").put("binary_data_size", input.raw().length);
            tensors.writeBytes(input.raw());
        }
        question.putArray("outputs")
                .addObject()
                .put("name", call.output())
                .putObject("parameters")
                .put("binary_data", true);
        byte[] head = question.toString().getBytes(StandardCharsets.UTF_8);
        var body = new ByteArrayOutputStream(head.length + tensors.size());
        body.writeBytes(head);
        body.writeBytes(tensors.toByteArray());
        HttpResponse<byte[]> answer = send(request("/v2/models/" + call.model() + "/infer", limit)
                .header("Content-Type", "application/octet-stream")
                .header(JSON_LENGTH, Integer.toString(head.length))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body.toByteArray())));
        return output(answer, call.output());
    }

    private ByteBuffer output(HttpResponse<byte[]> answer, String name) throws RemoteException {
        byte[] body = answer.body();
        int length = (int) answer.headers().firstValueAsLong(JSON_LENGTH).orElse(body.length);
        if (length < 0 || length > body.length) {
            throw malformed(JSON_LENGTH + " is wrong");
        }
        JsonNode json;
        try {
            json = JSON.readTree(body, 0, length);
        } catch (IOException e) {
            throw malformed("no valid JSON");
        }
        int from = length;
        for (JsonNode output : json.path("outputs")) {
            int size = output.at("/parameters/binary_data_size").asInt(0);
            if (output.path("name").asText().equals(name)
                    && output.path("datatype").asText().equals("FP32")) {
                if (size < 0 || from + size > body.length) {
                    throw malformed("binary_data_size is wrong");
                }
                return size > 0
                        ? ByteBuffer.wrap(body, from, size).slice().order(ByteOrder.LITTLE_ENDIAN)
                        : numbers(output.path("data"));
            }
            from += size;
        }
        throw malformed("it has no output " + name + " of FP32");
    }

    private static ByteBuffer numbers(JsonNode data) {
        ByteBuffer values = ByteBuffer.allocate(data.size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        data.forEach(value -> values.putFloat(value.floatValue()));
        return values.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    private HttpRequest.Builder request(String path, Duration limit) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path)).timeout(limit);
        return authorization.isEmpty() ? request : request.header("Authorization", authorization);
    }

    private HttpResponse<byte[]> send(HttpRequest.Builder request) throws RemoteException {
        HttpResponse<byte[]> answer;
        try {
            answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new RemoteException(
                    RemoteException.Kind.UNREACHABLE,
                    base + " does not answer (" + e.getClass().getSimpleName()
                            + (e.getMessage() == null ? "" : ": " + e.getMessage()) + ")",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RemoteException(RemoteException.Kind.UNREACHABLE, "interrupted", e);
        }
        int status = answer.statusCode();
        if (status == 200) {
            return answer;
        }
        String said = base + " answered " + status + ": " + error(answer.body());
        throw new RemoteException(
                switch (status) {
                    case 429 -> RemoteException.Kind.BUSY;
                    case 502, 503, 504 -> RemoteException.Kind.UNREACHABLE;
                    default -> RemoteException.Kind.REFUSED;
                },
                said);
    }

    private JsonNode json(HttpResponse<byte[]> answer) throws RemoteException {
        try {
            return JSON.readTree(answer.body());
        } catch (IOException e) {
            throw malformed("no valid JSON");
        }
    }

    private static String error(byte[] body) {
        try {
            return JSON.readTree(body).path("error").asText();
        } catch (IOException e) {
            return "";
        }
    }

    private RemoteException malformed(String what) {
        return new RemoteException(RemoteException.Kind.REFUSED, base + " sent an answer that is none: " + what);
    }

    @Override
    public void reconnect() {
        // connections that failed are not kept
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
