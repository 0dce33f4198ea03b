package lenstream.cli;

import java.io.File;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import lenstream.job.CrawlCounts;
import lenstream.job.CrawlRun;
import lenstream.job.IndexRun;
import lenstream.job.JobSettings;
import org.jspecify.annotations.Nullable;

/** The same job on a Flink cluster: what is on this program's class path and not Flink's own travels with it. */
final class ClusterSubmission {
    private final DataFolder folder;
    private final URI rest;
    private final @Nullable String savepoint;

    ClusterSubmission(DataFolder folder, String hostAndPort, @Nullable String savepoint) {
        this.folder = folder;
        this.rest = FlinkCluster.at(hostAndPort);
        this.savepoint = savepoint;
    }

    /** Submits and watches; at Ctrl-C the job is stopped with a savepoint whose path is printed. */
    CrawlCounts await(IndexRun run, boolean follow, Consumer<CrawlCounts> listener, CtrlC ctrlC)
            throws InterruptedException {
        String savepoints = JobSettings.flinkPath(folder.flinkRun().resolve("savepoints"));
        try (CrawlRun crawl = run.startOn(
                rest.getHost(), rest.getPort(), savepoint == null ? "" : savepoint, savepoints, jars(), listener)) {
            ctrlC.onAsked(crawl::stop);
            CrawlRun.End end = crawl.await(follow);
            if (end.isLate()) {
                System.err.println(
                        "the counts are not the last ones: for a while after a TaskManager was lost Flink tells"
                                + " none; what the index holds is counted there");
            }
            end.savepoint().ifPresent(path -> System.err.println("savepoint: " + path));
            return end.counts();
        }
    }

    /**
     * The jars of this program without those that a Flink cluster has in its {@code lib/}, and without those of the
     * search API and the commands: the cluster's REST interface takes 128 parts at most in one submission.
     */
    static List<Path> jars() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(Files::isRegularFile)
                .filter(jar -> !isFlinks(jar.getFileName().toString()))
                .filter(jar -> !isApis(jar.getFileName().toString()))
                .toList();
    }

    private static boolean isApis(String jar) {
        return jar.startsWith("helidon-")
                || jar.startsWith("grpc-")
                || jar.startsWith("perfmark-")
                || jar.startsWith("picocli-")
                || jar.matches("lenstream-(cli|search-api|client|gallery)-.*");
    }

    private static boolean isFlinks(String jar) {
        boolean flink = jar.startsWith("flink-")
                && !jar.startsWith("flink-connector-")
                && !jar.startsWith("flink-file-sink-common");
        return flink || jar.startsWith("log4j-") || jar.startsWith("slf4j-") || jar.startsWith("frocksdbjni");
    }
}
