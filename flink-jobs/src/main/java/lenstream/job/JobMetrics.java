package lenstream.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.Optional;

/**
 * Reads the pipeline's metrics of one job through Flink's REST interface, which a job in this JVM and one on a cluster
 * have alike. Confined to one thread.
 */
final class JobMetrics implements AutoCloseable {
    private static final String PREFIX = "lenstream_";
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI jobs;

    /** @param rest for example {@code http://127.0.0.1:8081} */
    JobMetrics(URI rest, String jobId) {
        this.jobs = rest.resolve("/jobs/" + jobId);
    }

    /**
     * One look at the job.
     *
     * @param allRunning whether every task runs; a savepoint is refused before
     */
    record Look(CrawlCounts counts, boolean allRunning) {}

    /** The present counts; empty before the first are there, or if the answer did not come in time. */
    Optional<Look> read() throws InterruptedException {
        try {
            var sums = new HashMap<String, Long>();
            boolean allRunning = true;
            for (JsonNode vertex : get("").path("vertices")) {
                allRunning &= vertex.path("status").asText().equals("RUNNING");
                String path = "/vertices/" + vertex.path("id").asText() + "/subtasks/metrics";
                var ours = new ArrayList<String>();
                for (JsonNode metric : get(path)) {
                    if (metric.path("id").asText().contains(PREFIX)) {
                        ours.add(metric.path("id").asText());
                    }
                }
                if (!ours.isEmpty()) {
                    add(sums, path, ours);
                }
            }
            return sums.isEmpty() ? Optional.empty() : Optional.of(new Look(CrawlCounts.of(sums), allRunning));
        } catch (IOException e) {
            return Optional.empty(); // the cluster is starting or restarting; the next round asks again
        }
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
        var request =
                HttpRequest.newBuilder(URI.create(jobs + path)).timeout(TIMEOUT).build();
        HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() != 200) {
            throw new IOException(request.uri() + " answers " + response.statusCode());
        }
        return JSON.readTree(response.body());
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
