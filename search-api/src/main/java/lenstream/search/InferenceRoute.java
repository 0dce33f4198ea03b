package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;

/**
 * The Open Inference Protocol, version 2, over REST with the binary tensor extension. Images in JSON are base64. Thread-safe.
 *
 * <p>Source: KServe's Open Inference Protocol, {@code rest_predict_v2}, and Triton's binary tensor data extension.
 */
final class InferenceRoute {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final HeaderName JSON_LENGTH = HeaderNames.create("Inference-Header-Content-Length");
    private static final String VERSION = InferenceModels.VERSION;
    private static final String OUTPUT = InferenceModels.OUTPUT;

    private final InferenceModels models;
    private final QueryEncoder encoder;

    /** A request taken apart: its JSON and the tensors behind it. */
    private record Body(JsonNode json, ByteBuffer binary) {}

    InferenceRoute(InferenceModels models) {
        this.models = models;
        this.encoder = models.encoder();
    }

    void server(Exchange exchange) {
        ObjectNode answer = JSON.objectNode().put("name", "lenstream").put("version", VERSION);
        answer.putArray("extensions").add("binary_tensor_data");
        exchange.sendJson(answer);
    }

    void live(Exchange exchange) {
        exchange.sendJson(JSON.objectNode().put("live", true));
    }

    /** The encoder was loaded before the server listened. */
    void ready(Exchange exchange) {
        exchange.sendJson(JSON.objectNode().put("ready", true));
    }

    void model(Exchange exchange) {
        String name = requireModel(exchange);
        ObjectNode answer = JSON.objectNode().put("name", name);
        answer.putArray("versions").add(VERSION);
        answer.put("platform", InferenceModels.PLATFORM);
        ArrayNode inputs = answer.putArray("inputs");
        if (models.isText(name)) {
            tensor(inputs, "text", "BYTES").add(-1);
        } else {
            tensor(inputs, "image", "BYTES").add(-1);
        }
        tensor(answer.putArray("outputs"), OUTPUT, "FP32").add(-1).add(encoder.dim());
        ObjectNode parameters = answer.putObject("parameters")
                .put("fingerprint", encoder.fingerprint().value())
                .put("json_bytes", "base64 for images, plain for texts");
        if (!models.isText(name)) {
            parameters.put("also_accepts", "FP32 [-1,3," + encoder.imageSize() + "," + encoder.imageSize() + "]");
        }
        exchange.sendJson(answer);
    }

    void modelReady(Exchange exchange) {
        exchange.sendJson(JSON.objectNode().put("name", requireModel(exchange)).put("ready", true));
    }

    void infer(Exchange exchange) {
        String name = requireModel(exchange);
        Body body = body(exchange);
        JsonNode inputs = body.json().path("inputs");
        if (inputs.size() != 1 || !inputs.isArray()) {
            throw ProblemException.badRequest("inputs must be a list of exactly one tensor.");
        }
        JsonNode input = inputs.get(0);
        models.requireInput(name, input.path("name").asText());
        boolean binary = wantsBinary(body.json());
        List<float[]> rows =
                InferenceModels.within(timeoutMicros(body.json())).during(() -> embed(name, input, body.binary()));
        if (body.binary().hasRemaining()) {
            throw ProblemException.badRequest(
                    "The body has " + body.binary().remaining() + " bytes that belong to no input.");
        }
        send(exchange, name, body.json().path("id").asText(""), rows, binary);
    }

    /** What Triton's tools want to know of a model: a subset of its model configuration. */
    void config(Exchange exchange) {
        String name = requireModel(exchange);
        ObjectNode answer = JSON.objectNode()
                .put("name", name)
                .put("platform", InferenceModels.PLATFORM)
                .put("backend", "onnxruntime")
                .put("max_batch_size", 0);
        answer.putArray("input")
                .addObject()
                .put("name", models.input(name))
                .put("data_type", "TYPE_STRING")
                .putArray("dims")
                .add(-1);
        answer.putArray("output")
                .addObject()
                .put("name", OUTPUT)
                .put("data_type", "TYPE_FP32")
                .putArray("dims")
                .add(-1)
                .add(encoder.dim());
        exchange.sendJson(answer);
    }

    /** Triton's statistics of a model: its tools make throughput and queueing time of them. */
    void stats(Exchange exchange) {
        String name = requireModel(exchange);
        Batcher.Done done = models.done(name);
        ObjectNode answer = JSON.objectNode();
        ObjectNode model = answer.putArray("model_stats")
                .addObject()
                .put("name", name)
                .put("version", VERSION)
                .put("last_inference", 0)
                .put("inference_count", done.answered())
                .put("execution_count", done.calls());
        ObjectNode stats = model.putObject("inference_stats");
        duration(stats, "success", done.answered(), done.waitNanos() + done.workNanos());
        duration(stats, "fail", done.failed(), 0);
        duration(stats, "queue", done.answered(), done.waitNanos());
        duration(stats, "compute_input", done.answered(), 0);
        duration(stats, "compute_infer", done.answered(), done.workNanos());
        duration(stats, "compute_output", done.answered(), 0);
        model.putArray("batch_stats");
        exchange.sendJson(answer);
    }

    private static void duration(ObjectNode stats, String name, long count, long nanos) {
        stats.putObject(name).put("count", count).put("ns", nanos);
    }

    /** Errors of these routes. */
    static void sendError(Exchange exchange, ProblemException problem) {
        exchange.headersOf(problem);
        // the protocol has no 415, 413 and so on of its own, and clients show the sentence
        exchange.sendJson(
                problem.status(), "application/json", JSON.objectNode().put("error", problem.detail()));
    }

    private List<float[]> embed(String name, JsonNode input, ByteBuffer binary) {
        long[] shape = shape(input.path("shape"));
        @Nullable ByteBuffer data = data(input, binary);
        return models.embed(
                name,
                input.path("datatype").asText(),
                shape,
                data == null ? ofJson(name, input.path("data")) : TensorData.ofBinary(data));
    }

    private TensorData ofJson(String name, JsonNode data) {
        return new TensorData() {
            @Override
            public List<byte[]> elements() {
                return InferenceRoute.this.elements(name, data);
            }

            @Override
            public float[] floats(int count) {
                TensorData.requireCount(count, numbers(data), true);
                var values = new float[count];
                fill(data, values, 0);
                return values;
            }
        };
    }

    /** Elements in JSON, flat or nested: texts as they are, images in base64. */
    private List<byte[]> elements(String name, JsonNode data) {
        var elements = new ArrayList<byte[]>();
        for (JsonNode element : data) {
            JsonNode value = element.isArray() && element.size() == 1 ? element.get(0) : element;
            if (!value.isTextual()) {
                throw ProblemException.badRequest("data of BYTES must be a list of strings.");
            }
            elements.add(
                    models.isText(name)
                            ? value.asText().getBytes(StandardCharsets.UTF_8)
                            : RequestReader.base64("data", value.asText()));
        }
        return elements;
    }

    /** How many numbers there are, flat or nested. */
    private static long numbers(JsonNode data) {
        long count = 0;
        for (JsonNode element : data) {
            if (!element.isArray() && !element.isNumber()) {
                throw ProblemException.badRequest("data of FP32 must be numbers, flat or nested.");
            }
            count += element.isArray() ? numbers(element) : 1;
        }
        return count;
    }

    /** Writes numbers, flat or nested, from a position on; where it ended. */
    @CanIgnoreReturnValue
    private static int fill(JsonNode data, float[] values, int from) {
        int at = from;
        for (JsonNode element : data) {
            if (element.isArray()) {
                at = fill(element, values, at);
            } else {
                values[at++] = element.floatValue();
            }
        }
        return at;
    }

    /** The part of the binary tensors that is this input's; null if its data are in the JSON. */
    private static @Nullable ByteBuffer data(JsonNode input, ByteBuffer binary) {
        JsonNode size = input.path("parameters").path("binary_data_size");
        if (size.isMissingNode() || size.isNull()) {
            if (!input.path("data").isArray()) {
                throw ProblemException.badRequest("The input needs data, or the parameter binary_data_size.");
            }
            return null;
        }
        if (!size.canConvertToInt() || size.intValue() < 0 || size.intValue() > binary.remaining()) {
            throw ProblemException.badRequest("binary_data_size is " + size.asText() + ", the body has "
                    + binary.remaining() + " bytes behind its JSON.");
        }
        ByteBuffer data = binary.slice(binary.position(), size.intValue()).order(ByteOrder.LITTLE_ENDIAN);
        binary.position(binary.position() + size.intValue());
        return data;
    }

    private static long[] shape(JsonNode node) {
        if (!node.isArray() || node.isEmpty() || node.size() > 4) {
            throw ProblemException.badRequest("shape must be a list of 1 to 4 numbers.");
        }
        var shape = new long[node.size()];
        for (int i = 0; i < shape.length; i++) {
            if (!node.get(i).isIntegralNumber()) {
                throw ProblemException.badRequest("shape must be a list of whole numbers.");
            }
            shape[i] = node.get(i).longValue();
        }
        return shape;
    }

    private static Body body(Exchange exchange) {
        byte[] bytes = exchange.body();
        int length = bytes.length;
        String header = exchange.header(JSON_LENGTH).orElse(null);
        if (header != null) {
            try {
                length = Integer.parseInt(header);
            } catch (NumberFormatException e) {
                length = -1;
            }
            if (length < 0 || length > bytes.length) {
                throw ProblemException.badRequest(
                        "Inference-Header-Content-Length must be the length of the JSON, at most " + bytes.length
                                + ".");
            }
        }
        JsonNode json = RequestReader.json(Arrays.copyOf(bytes, length));
        return new Body(json, ByteBuffer.wrap(bytes, length, bytes.length - length));
    }

    /** Triton's parameter; 0 for none. */
    private static long timeoutMicros(JsonNode request) {
        JsonNode timeout = request.path("parameters").path("timeout");
        if (timeout.isMissingNode() || timeout.canConvertToLong()) {
            return timeout.asLong();
        }
        throw ProblemException.badRequest("The parameter timeout must be a number of microseconds.");
    }

    private static boolean wantsBinary(JsonNode request) {
        boolean binary = request.path("parameters").path("binary_data_output").asBoolean();
        for (JsonNode output : request.path("outputs")) {
            InferenceModels.requireOutput(output.path("name").asText());
            binary = output.path("parameters").path("binary_data").asBoolean(binary);
        }
        return binary;
    }

    private void send(Exchange exchange, String name, String id, List<float[]> rows, boolean binary) {
        ObjectNode answer = JSON.objectNode();
        if (!id.isEmpty()) {
            answer.put("id", id);
        }
        answer.put("model_name", name).put("model_version", VERSION);
        ArrayNode outputs = answer.putArray("outputs");
        tensor(outputs, OUTPUT, "FP32").add(rows.size()).add(encoder.dim());
        ObjectNode output = (ObjectNode) outputs.get(0);
        if (!binary) {
            ArrayNode data = output.putArray("data");
            for (float[] row : rows) {
                for (float value : row) {
                    data.add(value);
                }
            }
            exchange.sendJson(answer);
            return;
        }
        ByteBuffer values =
                ByteBuffer.allocate(rows.size() * encoder.dim() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            for (float value : row) {
                values.putFloat(value);
            }
        }
        output.putObject("parameters").put("binary_data_size", values.capacity());
        byte[] json = answer.toString().getBytes(StandardCharsets.UTF_8);
        var whole = new ByteArrayOutputStream(json.length + values.capacity());
        whole.writeBytes(json);
        whole.writeBytes(values.array());
        exchange.set(JSON_LENGTH, Integer.toString(json.length));
        exchange.send(200, "application/octet-stream", whole.toByteArray());
    }

    /** Adds a tensor; its shape, to be filled. */
    private static ArrayNode tensor(ArrayNode list, String name, String datatype) {
        return list.addObject().put("name", name).put("datatype", datatype).putArray("shape");
    }

    private String requireModel(Exchange exchange) {
        return models.require(exchange.pathParameter("m"), exchange.pathParameter("v", ""));
    }
}
