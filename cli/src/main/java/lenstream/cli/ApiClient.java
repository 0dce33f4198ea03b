package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The search API as the commands use it. Confined to one thread. */
final class ApiClient implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI api;

    ApiClient(URI api) {
        this.api = api;
    }

    JsonNode searchText(String text, int k, Map<String, String> filters) throws InterruptedException {
        String query = "q=" + encode(text) + "&k=" + k
                + filters.entrySet().stream()
                        .map(e -> "&" + encode(e.getKey()) + "=" + encode(e.getValue()))
                        .collect(Collectors.joining());
        return answer(request("/v1/search?" + query).GET().build());
    }

    JsonNode search(JsonNode body) throws InterruptedException {
        return answer(request("/v1/search")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build());
    }

    /** The file's bytes as the query. */
    byte[] image(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new CliException("cannot read " + file + "; name an image file", e);
        }
    }

    /** Whether the API's process answers at all. */
    boolean isAlive() {
        try {
            return http.send(request("/health/live").GET().build(), HttpResponse.BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Waits until the API can answer queries. */
    JsonNode awaitReady(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        String last = "no answer";
        while (System.nanoTime() < deadline) {
            try {
                HttpResponse<byte[]> response =
                        http.send(request("/health/ready").GET().build(), HttpResponse.BodyHandlers.ofByteArray());
                if (response.statusCode() == 200) {
                    return JSON.readTree(response.body());
                }
                last = new String(response.body(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                last = "no answer";
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        throw new CliException("the search API on " + api + " is not ready after " + limit.toSeconds() + " s: " + last);
    }

    private JsonNode answer(HttpRequest request) throws InterruptedException {
        try {
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            JsonNode body = JSON.readTree(response.body());
            if (response.statusCode() != 200) {
                String detail = body.path("detail").asText(body.path("title").asText("no reason given"));
                throw new CliException("the search API answers " + response.statusCode() + ": " + detail);
            }
            return body;
        } catch (ConnectException e) {
            throw new CliException(
                    "no search API answers on " + api + "; start it with ./lenstream up, or name it with --api URL", e);
        } catch (IOException e) {
            throw new CliException("the search API on " + api + " gave no proper answer: " + e.getMessage(), e);
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(api.resolve(path)).timeout(TIMEOUT);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
