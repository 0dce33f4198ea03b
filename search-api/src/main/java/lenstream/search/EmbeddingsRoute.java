package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;

/**
 * {@code /v1/embeddings} and {@code /v1/models} in the shape of OpenAI's and NV-CLIP's: texts and images (data URLs) may
 * be mixed. Members that those clients send and that mean nothing here are ignored, as theirs do. Thread-safe.
 */
final class EmbeddingsRoute {
    private static final int MAX_INPUTS = 256;
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final QueryEncoder encoder;
    private final QueryEmbedding embedding;

    EmbeddingsRoute(QueryEncoder encoder, QueryEmbedding embedding) {
        this.encoder = encoder;
        this.embedding = embedding;
    }

    void models(Exchange exchange) {
        ObjectNode answer = JSON.objectNode().put("object", "list");
        answer.putArray("data").add(model());
        exchange.sendJson(answer);
    }

    void model(Exchange exchange) {
        requireModel(exchange.pathParameter("model"));
        exchange.sendJson(model());
    }

    private ObjectNode model() {
        return JSON.objectNode()
                .put("id", encoder.model())
                .put("object", "model")
                .put("created", 0)
                .put("owned_by", "lenstream")
                .put("fingerprint", encoder.fingerprint().value());
    }

    void embed(Exchange exchange) {
        JsonNode request = RequestReader.json(exchange.body());
        requireModel(request.path("model").asText(""));
        JsonNode dimensions = request.path("dimensions");
        if (dimensions.isNumber() && dimensions.asInt() != encoder.dim()) {
            throw ProblemException.badRequest(
                    "dimensions must be " + encoder.dim() + ", the length of this model's vectors.");
        }
        String format = request.path("encoding_format").asText("float");
        if (!format.equals("float") && !format.equals("base64")) {
            throw ProblemException.badRequest("encoding_format must be float or base64.");
        }
        ObjectNode answer = JSON.objectNode().put("object", "list");
        ArrayNode data = answer.putArray("data");
        int images = 0;
        int tokens = 0;
        List<String> inputs = inputs(request.path("input"));
        List<String> texts = inputs.stream().filter(input -> !isImage(input)).toList();
        for (String text : texts) {
            if (text.isBlank()) {
                throw ProblemException.badRequest("input must not be empty.");
            }
            tokens += encoder.tokens(text);
        }
        Iterator<float[]> vectors = embedding.ofTexts(texts).iterator();
        for (String input : inputs) {
            float[] vector;
            if (isImage(input)) {
                images++;
                vector = embedding.ofImage(RequestReader.base64("input", input), null);
            } else {
                vector = vectors.next();
            }
            ObjectNode element = data.addObject().put("object", "embedding").put("index", data.size() - 1);
            if (format.equals("base64")) {
                element.put("embedding", base64(vector));
            } else {
                ArrayNode values = element.putArray("embedding");
                for (float value : vector) {
                    values.add(value);
                }
            }
        }
        answer.put("model", encoder.model());
        answer.putObject("usage")
                .put("num_images", images)
                .put("prompt_tokens", tokens)
                .put("total_tokens", tokens);
        exchange.sendJson(answer);
    }

    /** Errors of these two routes have OpenAI's shape. */
    static void sendError(Exchange exchange, ProblemException problem) {
        String type = problem.status() >= 500 ? "server_error" : "invalid_request_error";
        ObjectNode answer = JSON.objectNode();
        answer.putObject("error")
                .put("message", problem.detail())
                .put("type", type)
                .putNull("param")
                .putNull("code");
        exchange.headersOf(problem);
        exchange.sendJson(problem.status(), "application/json", answer);
    }

    private void requireModel(String model) {
        if (model.isEmpty()) {
            throw ProblemException.badRequest("model is missing; this server has " + encoder.model() + ".");
        }
        if (!model.equals(encoder.model())
                && !model.equals(encoder.fingerprint().value())) {
            throw ProblemException.notFound("There is no such model here; this server has " + encoder.model() + ".");
        }
    }

    private static boolean isImage(String input) {
        return input.startsWith("data:");
    }

    private static List<String> inputs(JsonNode input) {
        var texts = new ArrayList<String>();
        for (JsonNode element : input.isArray() ? input : JSON.arrayNode().add(input)) {
            if (!element.isTextual()) {
                throw ProblemException.badRequest("input must be a text, a data URL of an image, or a list of these.");
            }
            texts.add(element.asText());
        }
        if (texts.isEmpty() || texts.size() > MAX_INPUTS) {
            throw ProblemException.badRequest("input must have 1 to " + MAX_INPUTS + " elements.");
        }
        return texts;
    }

    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
