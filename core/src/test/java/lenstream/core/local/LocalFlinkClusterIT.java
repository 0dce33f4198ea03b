package lenstream.core.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the real distribution; skipped where it was not assembled, except in CI. */
class LocalFlinkClusterIT {
    private static final Path DISTRIBUTION =
            Path.of(System.getProperty("lenstream.root", "..")).resolve("infra/flink/target/flink");

    @TempDir
    Path folder;

    @Test
    void aClusterShowsItsTaskManagerAndLeavesNoProcess() throws Exception {
        boolean assembled = Files.isDirectory(DISTRIBUTION.resolve("lib"));
        if ("true".equals(System.getenv("CI"))) {
            assertThat(assembled).as("assembled at %s", DISTRIBUTION).isTrue();
        }
        assumeTrue(assembled, "SKIPPED: no Flink at " + DISTRIBUTION + "; run mvn -pl infra/flink package");

        var pids = new ArrayList<Long>();
        var config = LocalFlinkCluster.Config.of(DISTRIBUTION, folder);
        try (LocalFlinkCluster cluster = LocalFlinkCluster.start(config, line -> {})) {
            pids.add(cluster.jobManagerPid());
            pids.addAll(cluster.taskManagerPids());
            assertThat(pids).hasSize(2);
            assertThat(cluster.registeredTaskManagers()).contains(1);
            assertThat(LoopbackPorts.get(cluster.restPort(), "/jobmanager/config")
                            .orElseThrow())
                    .contains("pipeline.generic-types", "exponential-delay", "rocksdb");
            LocalFlinkCluster attached = LocalFlinkCluster.attach(folder).orElseThrow();
            assertThat(attached.taskManagerPids()).isEqualTo(cluster.taskManagerPids());
            assertThat(attached.restPort()).isEqualTo(cluster.restPort());
        }
        assertThat(pids).allSatisfy(pid -> assertThat(ProcessHandle.of(pid)).isEmpty());
        assertThat(LocalFlinkCluster.attach(folder)).isEmpty();
        assertThat(Files.readString(folder.resolve("taskmanager-1.log")))
                .as("logs are not silenced")
                .contains("INFO");
    }
}
