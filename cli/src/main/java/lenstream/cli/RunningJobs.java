package lenstream.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lenstream.core.local.LocalFlinkCluster;

/**
 * Where Flink answers for the jobs of this installation: each job in a JVM of its own leaves its REST address in its
 * folder while it runs; the cluster of {@code up --cluster} and those named by hand come on top. Thread-safe.
 */
final class RunningJobs implements Supplier<List<URI>> {
    private static final String ADDRESS = "rest";

    private final DataFolder folder;
    private final List<URI> named;

    /** @param named clusters that are always asked */
    RunningJobs(DataFolder folder, List<URI> named) {
        this.folder = folder;
        this.named = named;
    }

    /** Leaves a job's address in its folder, until {@link #withdraw}. */
    static void announce(Path job, URI rest) {
        try {
            Files.createDirectories(job);
            Files.writeString(job.resolve(ADDRESS), ProcessHandle.current().pid() + " " + rest);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write below " + job, e);
        }
    }

    static void withdraw(Path job) {
        try {
            Files.deleteIfExists(job.resolve(ADDRESS));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete below " + job, e);
        }
    }

    @Override
    public List<URI> get() {
        var addresses = new ArrayList<>(named);
        LocalFlinkCluster.attach(folder.flinkRun()).ifPresent(cluster -> addresses.add(cluster.uri()));
        Path jobs = folder.jobsDirectory();
        if (Files.isDirectory(jobs)) {
            try (Stream<Path> folders = Files.list(jobs)) {
                folders.sorted()
                        .map(RunningJobs::address)
                        .flatMap(Optional::stream)
                        .forEach(addresses::add);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + jobs, e);
            }
        }
        return addresses.stream().distinct().toList();
    }

    /** Empty if the job ended; one that was killed has left its address behind. */
    static Optional<URI> address(Path job) {
        try {
            String[] parts = Files.readString(job.resolve(ADDRESS)).split(" ", 2);
            boolean alive = ProcessHandle.of(Long.parseLong(parts[0]))
                    .map(ProcessHandle::isAlive)
                    .orElse(false);
            return alive ? Optional.of(URI.create(parts[1])) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // it ended meanwhile
        }
    }
}
