package lenstream.core.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a Flink cluster tells of its jobs through its REST interface, which a job in this JVM and one on a cluster
 * have alike. Blocking, each request for at most 5 s; thread-safe. Every method throws {@link IOException} if an answer
 * does not come, which is usual while a cluster starts or restarts.
 */
public final class FlinkRest implements AutoCloseable {
    /** What the names of our own metrics begin with. */
    private static final String PREFIX = "lenstream_";
    /** One for each source and stage, of eleven figures each: too many for one request, and they do not add up. */
    private static final String HISTOGRAMS = "lenstream_freshness_seconds";

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI rest;

    private FlinkRest(URI rest) {
        this.rest = rest;
    }

    /** @param rest for example {@code http://127.0.0.1:8081}; nothing is sent yet */
    @MustBeClosed
    public static FlinkRest open(URI rest) {
        return new FlinkRest(rest);
    }

    /**
     * A job, whatever its state.
     *
     * @param id 32 hex digits
     * @param state Flink's name for it, for example {@code RUNNING}
     * @param runningMillis since it was submitted, or until it ended
     */
    public record Job(String id, String name, String state, long runningMillis) {}

    /**
     * A chain of operators.
     *
     * @param name of its operators, as Flink joins them
     * @param busy share of the time that its subtasks work, 0 to 1, averaged
     * @param backPressured share of the time that they wait for the next chain, 0 to 1, averaged
     */
    public record Chain(String name, int parallelism, String status, double busy, double backPressured) {}

    /**
     * Checkpoints of a job since it was started.
     *
     * @param lastAtMillis when the newest complete one was triggered, epoch ms; -1 if there is none
     * @param lastTookMillis from trigger to completion; -1 if there is none
     * @param lastBytes that it wrote; -1 if there is none
     */
    public record Checkpointing(long completed, long failed, long lastAtMillis, long lastTookMillis, long lastBytes) {}

    /**
     * Our own metrics.
     *
     * @param values by name without scope, summed over subtasks; percentiles are the largest of the subtasks'
     * @param allRunning whether every task runs; a savepoint is refused before
     */
    public record Metrics(Map<String, Long> values, boolean allRunning) {}

    public List<Job> jobs() throws IOException, InterruptedException {
        var jobs = new ArrayList<Job>();
        for (JsonNode job : get("/jobs/overview").path("jobs")) {
            jobs.add(new Job(
                    job.path("jid").asText(),
                    job.path("name").asText(),
                    job.path("state").asText(),
                    job.path("duration").asLong()));
        }
        return jobs;
    }

    public Metrics metrics(String job) throws IOException, InterruptedException {
        var sums = new HashMap<String, Long>();
        boolean allRunning = true;
        for (JsonNode vertex : vertices(job)) {
            allRunning &= vertex.path("status").asText().equals("RUNNING");
            String path = ofSubtasks(job, vertex);
            var ours = new ArrayList<String>();
            for (JsonNode metric : get(path)) {
                String id = metric.path("id").asText();
                if (id.contains(PREFIX) && !id.contains(HISTOGRAMS)) {
                    ours.add(id);
                }
            }
            if (!ours.isEmpty()) {
                add(sums, path, ours);
            }
        }
        return new Metrics(Map.copyOf(sums), allRunning);
    }

    /** In the order of the stream. */
    public List<Chain> chains(String job) throws IOException, InterruptedException {
        var chains = new ArrayList<Chain>();
        for (JsonNode vertex : vertices(job)) {
            var millis = new HashMap<String, Double>();
            String names = "busyTimeMsPerSecond,backPressuredTimeMsPerSecond";
            for (JsonNode metric : get(ofSubtasks(job, vertex) + "?agg=avg&get=" + names)) {
                millis.put(metric.path("id").asText(), metric.path("avg").asDouble());
            }
            chains.add(new Chain(
                    vertex.path("name").asText(),
                    vertex.path("parallelism").asInt(),
                    vertex.path("status").asText(),
                    share(millis.get("busyTimeMsPerSecond")),
                    share(millis.get("backPressuredTimeMsPerSecond"))));
        }
        return chains;
    }

    public Checkpointing checkpointing(String job) throws IOException, InterruptedException {
        JsonNode told = get("/jobs/" + job + "/checkpoints");
        JsonNode last = told.at("/latest/completed");
        return new Checkpointing(
                told.at("/counts/completed").asLong(),
                told.at("/counts/failed").asLong(),
                last.path("trigger_timestamp").asLong(-1),
                last.path("end_to_end_duration").asLong(-1),
                last.path("state_size").asLong(-1));
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    /** Milliseconds a second as a share; Flink says NaN before it knows. */
    private static double share(@Nullable Double millisPerSecond) {
        return millisPerSecond == null || millisPerSecond.isNaN() ? 0 : Math.clamp(millisPerSecond / 1000, 0.0, 1.0);
    }

    private JsonNode vertices(String job) throws IOException, InterruptedException {
        return get("/jobs/" + job).path("vertices");
    }

    private static String ofSubtasks(String job, JsonNode vertex) {
        return "/jobs/" + job + "/vertices/" + vertex.path("id").asText() + "/subtasks/metrics";
    }

    private void add(Map<String, Long> sums, String path, List<String> names) throws IOException, InterruptedException {
        String query = URLEncoder.encode(String.join(",", names), StandardCharsets.UTF_8);
        for (JsonNode metric : get(path + "?agg=sum,max&get=" + query)) {
            String id = metric.path("id").asText();
            String name = id.substring(id.indexOf(PREFIX));
            // a percentile of several subtasks is bounded by the largest of theirs; everything else adds up
            String aggregate = name.contains("_freshness_") ? "max" : "sum";
            sums.merge(name, Math.round(metric.path(aggregate).asDouble()), Long::sum);
        }
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(rest.resolve(path)).build();
        HttpResponse<byte[]> response = send(request);
        if (response.statusCode() != 200) {
            throw new IOException(request.uri() + " answers " + response.statusCode());
        }
        return JSON.readTree(response.body());
    }

    /** The request's own time limit ends with the header of the answer. */
    private HttpResponse<byte[]> send(HttpRequest request) throws IOException, InterruptedException {
        var answer = http.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        try {
            return answer.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException(request.uri() + " does not answer: " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new IOException(request.uri() + " does not answer within " + TIMEOUT.toSeconds() + " s", e);
        } finally {
            answer.cancel(true);
        }
    }
}
