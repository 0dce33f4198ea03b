package lenstream.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A job that runs in another process of this machine, or on a cluster, through Flink's REST interface.
 *
 * @param rest address of the interface
 * @param id the job's
 * @param name the job's
 */
public record RunningJob(URI rest, String id, String name) {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * The first running job of a cluster.
     *
     * @param prefix of its name
     * @throws IOException if the cluster does not answer
     */
    public static Optional<RunningJob> on(URI rest, String prefix) throws IOException, InterruptedException {
        for (JsonNode job : get(rest.resolve("/jobs/overview")).path("jobs")) {
            if (job.path("state").asText().equals("RUNNING")
                    && job.path("name").asText().startsWith(prefix)) {
                return Optional.of(new RunningJob(
                        rest, job.path("jid").asText(), job.path("name").asText()));
            }
        }
        return Optional.empty();
    }

    /**
     * Writes a savepoint while the job goes on.
     *
     * @param target folder that the cluster can write to
     * @return the savepoint's own folder below it
     */
    public Path savepoint(Path target, Duration limit) throws IOException, InterruptedException {
        String body = JSON.createObjectNode()
                .put("target-directory", JobSettings.flinkPath(target))
                .put("cancel-job", false)
                .put("formatType", "NATIVE")
                .toString();
        URI savepoints = rest.resolve("/jobs/" + id + "/savepoints");
        JsonNode started = send(HttpRequest.newBuilder(savepoints)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        URI state = URI.create(savepoints + "/" + started.path("request-id").asText());
        long deadline = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() < deadline) {
            JsonNode answer = get(state);
            if (answer.at("/status/id").asText().equals("COMPLETED")) {
                JsonNode operation = answer.path("operation");
                if (operation.has("failure-cause")) {
                    throw new JobFailedException(
                            "job " + name + " cannot write a savepoint: "
                                    + operation.at("/failure-cause/class").asText()
                                    + "; try again in a moment",
                            null);
                }
                return Path.of(new org.apache.flink.core.fs.Path(
                                operation.path("location").asText())
                        .getPath());
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new JobFailedException(
                "job " + name + " wrote no savepoint within " + limit.toSeconds() + " s; try again", null);
    }

    private static JsonNode get(URI uri) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(uri).GET());
    }

    private static JsonNode send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
        try {
            HttpResponse<String> answer = http.send(
                    request.timeout(TIMEOUT).build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            if (answer.statusCode() / 100 != 2) {
                throw new IOException(answer.uri() + " answers " + answer.statusCode() + ": " + answer.body());
            }
            return JSON.readTree(answer.body());
        } finally {
            http.shutdownNow();
        }
    }
}
