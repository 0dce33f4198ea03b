package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import lenstream.client.ClientConfig;
import lenstream.client.LensClient;
import lenstream.client.LensException;
import org.jspecify.annotations.Nullable;

/** The search API as the commands use it: its failures become the commands', with the remedy. Confined to one thread. */
final class ApiClient implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final LensClient lens;

    ApiClient(URI api) {
        this(api, "");
    }

    /** @param token bearer token; empty for none */
    @SuppressWarnings("MustBeClosed") // freed in close()
    ApiClient(URI api, String token) {
        ClientConfig config = CliException.unless("--api", () -> ClientConfig.of(api));
        this.lens = LensClient.connect(config.withTimeout(TIMEOUT).withToken(token));
    }

    JsonNode searchText(String text, int k, Map<String, String> filters) throws InterruptedException {
        String query = "q=" + encode(text) + "&k=" + k
                + filters.entrySet().stream()
                        .map(e -> "&" + encode(e.getKey()) + "=" + encode(e.getValue()))
                        .collect(Collectors.joining());
        return call("GET", "/v1/search?" + query, null);
    }

    JsonNode search(JsonNode body) throws InterruptedException {
        return call("POST", "/v1/search", body);
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
        return lens.isAlive();
    }

    /** Waits until the API can answer queries. */
    JsonNode awaitReady(Duration limit) throws InterruptedException {
        try {
            lens.awaitReady(limit);
        } catch (LensException e) {
            throw failure(e);
        }
        return call("GET", "/health/ready", null);
    }

    /** Any route that answers JSON. */
    JsonNode call(String method, String path, @Nullable JsonNode body) throws InterruptedException {
        try {
            return lens.call(method, path, body);
        } catch (LensException e) {
            throw failure(e);
        }
    }

    /** What the client does in one or more calls. */
    <T> T ask(Function<LensClient, T> question) throws InterruptedException {
        try {
            return question.apply(lens);
        } catch (LensException e) {
            throw failure(e);
        }
    }

    private static CliException failure(LensException e) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException(e.getMessage());
        }
        String remedy = e.status() == 0 ? "; start it with ./lenstream up, or name it with --api URL" : "";
        return new CliException(e.getMessage() + remedy, e);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        lens.close();
    }
}
