package lenstream.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a job runs, and how wide. Confined to one command. */
final class ClusterOptions {
    @Option(
            names = "--cluster",
            paramLabel = "HOST:PORT",
            description = "submit to this Flink cluster (its REST address), whose machines must reach the same places")
    private @Nullable String cluster;

    @Option(names = "--savepoint", paramLabel = "PATH", description = "with --cluster: continue from this savepoint")
    private @Nullable String savepoint;

    @Option(
            names = "--parallelism",
            paramLabel = "N",
            converter = AtLeastOne.class,
            defaultValue = "1",
            description = "subtasks: sites, folders or archives worked on at once (default: ${DEFAULT-VALUE})")
    private int parallelism;

    int parallelism() {
        return parallelism;
    }

    /** Whether the job runs in this process. */
    boolean here() {
        return cluster == null;
    }

    /** How the job gets to the cluster; null if it runs in this process. */
    @Nullable
    ClusterSubmission submission(DataFolder folder) {
        if (cluster != null) {
            return new ClusterSubmission(folder, cluster, savepoint);
        }
        if (savepoint != null) {
            throw new CliException("--savepoint goes with --cluster; a run in this process finds its own state");
        }
        return null;
    }
}
