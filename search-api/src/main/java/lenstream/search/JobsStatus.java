package lenstream.search;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Supplier;
import lenstream.core.job.FlinkRest;
import lenstream.search.http.ProblemException;

/**
 * What Flink says of the jobs that feed the index. A cluster that does not answer is named in {@code problems}.
 * Thread-safe.
 */
final class JobsStatus {
    private static final String RUNNING = "RUNNING";

    private final Supplier<List<URI>> clusters;

    /** @param clusters REST addresses, asked for at each look: jobs come and go */
    JobsStatus(Supplier<List<URI>> clusters) {
        this.clusters = clusters;
    }

    /** Adds {@code jobs}: those that have not ended, with our metrics. */
    void addTo(ObjectNode status) {
        ArrayNode jobs = status.putArray("jobs");
        for (URI cluster : clusters.get()) {
            try (FlinkRest flink = FlinkRest.open(cluster)) {
                for (FlinkRest.Job job : flink.jobs()) {
                    if (job.state().equals(RUNNING) || job.state().endsWith("ING")) {
                        add(jobs.addObject(), flink, job);
                    }
                }
            } catch (IOException e) {
                Throwable reason = e.getCause() == null ? e : e.getCause();
                status.withArray("problems")
                        .add("Flink does not answer on " + cluster + " ("
                                + reason.getClass().getSimpleName() + ").");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw ProblemException.unavailable("The server is stopping.");
            }
        }
    }

    private static void add(ObjectNode json, FlinkRest flink, FlinkRest.Job job)
            throws IOException, InterruptedException {
        json.put("id", job.id()).put("name", job.name()).put("state", job.state());
        json.put("running_seconds", job.runningMillis() / 1000);
        ObjectNode metrics = json.putObject("metrics");
        new TreeMap<>(flink.metrics(job.id()).values()).forEach(metrics::put);
        ArrayNode chains = json.putArray("stages");
        for (FlinkRest.Chain chain : flink.chains(job.id())) {
            chains.addObject()
                    .put("name", chain.name())
                    .put("parallelism", chain.parallelism())
                    .put("status", chain.status())
                    .put("busy", rounded(chain.busy()))
                    .put("back_pressured", rounded(chain.backPressured()));
        }
        FlinkRest.Checkpointing checkpoints = flink.checkpointing(job.id());
        json.putObject("checkpoints")
                .put("completed", checkpoints.completed())
                .put("failed", checkpoints.failed())
                .put("last_at_millis", checkpoints.lastAtMillis())
                .put("last_took_millis", checkpoints.lastTookMillis())
                .put("last_bytes", checkpoints.lastBytes());
    }

    private static double rounded(double share) {
        return Math.round(share * 1000) / 1000.0;
    }
}
