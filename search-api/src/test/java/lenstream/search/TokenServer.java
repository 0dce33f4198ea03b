package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Function;

/**
 * An inference server as Triton is one with a bundle's graphs and nothing around them: its text model takes {@code INT64} tokens and gives
 * a vector for each of them. It knows the tokens of some texts, and their vectors; another server of ours embeds the pictures.
 */
final class TokenServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LENGTH = "Inference-Header-Content-Length";

    private final HttpServer server;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Function<long[], float[]> vectors;
    private final URI images;
    private final String token;

    /**
     * @param vectors of the tokens of a text
     * @param images server that has the image model
     * @param token that it asks for
     */
    TokenServer(Function<long[], float[]> vectors, URI images, String token) throws IOException {
        this.vectors = vectors;
        this.images = images;
        this.token = token;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::answer);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            switch (exchange.getRequestURI().getPath()) {
                case "/v2" -> send(exchange, JSON.createObjectNode().put("name", "triton"), new byte[0]);
                case "/v2/models/lensmini-image" ->
                    send(
                            exchange,
                            model("lensmini-image", "image", "FP32", List.of(-1, 3, 224, 224), List.of(-1, 384)),
                            new byte[0]);
                case "/v2/models/lensmini-text" -> {
                    ObjectNode model =
                            model("lensmini-text", "input_ids", "INT64", List.of(-1, -1), List.of(-1, -1, 384));
                    for (String name : List.of("attention_mask", "token_type_ids")) {
                        model.withArray("inputs").add(tensor(name, "INT64", List.of(-1, -1)));
                    }
                    send(exchange, model, new byte[0]);
                }
                case "/v2/models/lensmini-text/infer" -> infer(exchange, body);
                default -> forward(exchange, body);
            }
        }
    }

    private void infer(HttpExchange exchange, byte[] body) throws IOException {
        int length = Integer.parseInt(exchange.getRequestHeaders().getFirst(LENGTH));
        JsonNode question = JSON.readTree(body, 0, length);
        ByteBuffer raw = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN).position(length);
        Map<String, long[]> inputs = new LinkedHashMap<>();
        int rows = 0;
        int columns = 0;
        for (JsonNode input : question.path("inputs")) {
            rows = input.at("/shape/0").asInt();
            columns = input.at("/shape/1").asInt();
            long[] values = new long[rows * columns];
            for (int i = 0; i < values.length; i++) {
                values[i] = raw.getLong();
            }
            inputs.put(input.path("name").asText(), values);
        }
        byte[] out = tokenVectors(inputs, rows, columns, vectors);
        ObjectNode answer = JSON.createObjectNode().put("model_name", "lensmini-text");
        ObjectNode output = tensor("last_hidden_state", "FP32", List.of(rows, columns, 384));
        output.putObject("parameters").put("binary_data_size", out.length);
        answer.putArray("outputs").add(output);
        send(exchange, answer, out);
    }

    /** A vector for each token, little-endian float32, zeros where the mask says that there is none. */
    static byte[] tokenVectors(Map<String, long[]> inputs, int rows, int columns, Function<long[], float[]> vectors) {
        ByteBuffer out = ByteBuffer.allocate(rows * columns * 384 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < rows; row++) {
            long[] mask = Arrays.copyOfRange(inputs.get("attention_mask"), row * columns, (row + 1) * columns);
            int used = (int) Arrays.stream(mask).sum();
            float[] vector =
                    vectors.apply(Arrays.copyOfRange(inputs.get("input_ids"), row * columns, row * columns + used));
            for (int column = 0; column < columns; column++) {
                for (float value : vector) {
                    out.putFloat(column < used ? value : 0);
                }
            }
        }
        return out.array();
    }

    private static ObjectNode model(
            String name, String input, String datatype, List<Integer> shape, List<Integer> output) {
        ObjectNode model = JSON.createObjectNode().put("name", name);
        model.putArray("inputs").add(tensor(input, datatype, shape));
        model.putArray("outputs")
                .add(tensor(name.endsWith("image") ? "embedding" : "last_hidden_state", "FP32", output));
        return model;
    }

    private static ObjectNode tensor(String name, String datatype, List<Integer> shape) {
        ObjectNode tensor = JSON.createObjectNode().put("name", name).put("datatype", datatype);
        ArrayNode sides = tensor.putArray("shape");
        shape.forEach(sides::add);
        return tensor;
    }

    private static void send(HttpExchange exchange, ObjectNode json, byte[] binary) throws IOException {
        byte[] head = json.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set(LENGTH, Integer.toString(head.length));
        exchange.sendResponseHeaders(200, head.length + binary.length);
        exchange.getResponseBody().write(head);
        exchange.getResponseBody().write(binary);
    }

    private void forward(HttpExchange exchange, byte[] body) {
        try {
            HttpResponse<byte[]> answer = http.send(
                    HttpRequest.newBuilder(
                                    images.resolve(exchange.getRequestURI().getPath()))
                            .header("Authorization", "Bearer " + token)
                            .header(LENGTH, exchange.getRequestHeaders().getFirst(LENGTH))
                            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            answer.headers()
                    .firstValue(LENGTH)
                    .ifPresent(length -> exchange.getResponseHeaders().set(LENGTH, length));
            exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
            exchange.getResponseBody().write(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        http.close();
    }
}
