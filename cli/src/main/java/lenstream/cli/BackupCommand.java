package lenstream.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import lenstream.core.alert.SealedSecrets;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Snapshots;
import lenstream.core.model.Fingerprint;
import lenstream.job.Checkpoints;
import lenstream.job.RunningJob;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream backup}: index, job state and image store together. */
@Command(
        name = "backup",
        mixinStandardHelpOptions = true,
        description = {
            "Writes the index, the state of the jobs and the image store into a folder, while everything runs.",
            "First the state, then the index: after a restore a job may write again what the index holds, never miss"
                    + " what it lacks. The manifest is written last; a folder without it is no backup.",
            "The key that signs receipts and seals secrets stays out, so that a backup shows none: the manifest names it,"
                    + " keep a copy of its file elsewhere."
        },
        footer = {"", "Example:  ./lenstream backup /mnt/backup/2026-11-27"})
final class BackupCommand implements Callable<Integer> {
    private static final Duration SAVEPOINT_LIMIT = Duration.ofMinutes(10);

    @Mixin
    private Workspace workspace;

    @Mixin
    private InstallationKey key;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "a folder that is empty or not there yet")
    private Path target;

    @Option(
            names = "--repository",
            paramLabel = "NAME",
            description = "a snapshot repository that the cluster has (s3, gcs, ...); without it the snapshot goes into"
                    + " DIR, which needs OpenSearch on this machine")
    private @Nullable String repository;

    @Option(
            names = "--cluster",
            paramLabel = "HOST:PORT",
            description = "also the state of the crawl on this Flink cluster, which must be able to write to DIR")
    private @Nullable String cluster;

    @Option(names = "--no-images", description = "leave the image store out")
    private boolean noImages;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path backup = target.toAbsolutePath().normalize();
        requireEmpty(backup);
        Instant created = Instant.now();
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch.url()))) {
            String index = IndexSetup.searched(client, workspace.layout())
                    .orElseThrow(() ->
                            new CliException("there is nothing to back up: no index with prefix " + workspace.prefix));
            Files.createDirectories(backup);
            List<String> jobs = state(backup, IndexSetup.lineage(client, index));
            long storeBytes = noImages ? 0 : store(backup);
            String snapshot = "lenstream-" + created.toEpochMilli();
            Map<String, Long> documents = index(client, backup, snapshot);
            String empty = workspace.layout().imageIndex(new Fingerprint("x-1-00000000"));
            new BackupManifest(
                            created,
                            workspace.prefix,
                            index.substring(empty.length() - "x-1-00000000".length()),
                            workspace.model().toString(),
                            repository == null ? "" : repository,
                            snapshot,
                            documents,
                            FileTrees.lengths(backup),
                            jobs,
                            storeBytes,
                            key.id(workspace))
                    .write(backup);
            spec.commandLine()
                    .getOut()
                    .printf(
                            Locale.ROOT,
                            "backup in %s: %,d images, state of %s, %,d MiB of images%n",
                            backup,
                            documents.getOrDefault(index, 0L),
                            jobs.isEmpty() ? "no job" : String.join(", ", jobs),
                            storeBytes >> 20);
            sayKey(SealedSecrets.of(client, workspace.layout()));
            return 0;
        }
    }

    private void sayKey(SealedSecrets sealed) {
        String id = key.id(workspace);
        Path file = key.file(workspace);
        if (!id.isEmpty()) {
            spec.commandLine()
                    .getOut()
                    .printf("not in it: %s, the key %s that signs receipts and seals secrets; keep a copy%n", file, id);
        }
        SealedSecrets closed = key.closed(workspace, sealed);
        if (!closed.isEmpty()) {
            System.err.printf(
                    "%s: sealed with another key than %s; name the server's with --receipt-key, and keep a copy of it%n",
                    InstallationKey.words(closed), file);
        }
    }

    private static void requireEmpty(Path backup) throws IOException {
        if (Files.exists(backup)) {
            try (Stream<Path> files = Files.list(backup)) {
                if (files.findAny().isPresent()) {
                    throw new CliException(backup + " is not empty; name a new folder for each backup");
                }
            }
        }
    }

    /** Savepoints hold all their files, so they are what is kept: of a running job a new one, else the last one's. */
    private List<String> state(Path backup, String lineage) throws IOException, InterruptedException {
        var jobs = new ArrayList<String>();
        Path all = workspace.data().resolve("jobs");
        if (Files.isDirectory(all)) {
            try (Stream<Path> folders = Files.list(all)) {
                for (Path job : folders.filter(Files::isDirectory).sorted().toList()) {
                    if (state(job, backup.resolve("state").resolve(job.getFileName()), lineage)) {
                        jobs.add(job.getFileName().toString());
                    }
                }
            }
        }
        if (cluster != null) {
            URI rest = FlinkCluster.at(cluster);
            RunningJob job = RunningJob.on(rest, "lenstream-crawl")
                    .orElseThrow(() -> new CliException("no crawl runs on " + cluster));
            job.savepoint(Files.createDirectories(backup.resolve("state").resolve("cluster")), SAVEPOINT_LIMIT);
            jobs.add("cluster");
        }
        return jobs;
    }

    private static boolean state(Path job, Path to, String lineage) throws IOException, InterruptedException {
        Optional<URI> rest = RunningJobs.address(job);
        if (rest.isPresent()) {
            RunningJob.on(rest.get(), "")
                    .orElseThrow(() ->
                            new CliException(job.getFileName() + " is starting or restarting: try again in a moment"))
                    .savepoint(Files.createDirectories(to), SAVEPOINT_LIMIT);
            return true;
        }
        Optional<Path> newest = new Checkpoints(job.resolve(lineage).resolve("checkpoints")).newest();
        if (newest.isEmpty()) {
            return false; // never ran for this index
        }
        if (!Checkpoints.isSavepoint(newest.get())) {
            throw new CliException("the last run of " + job.getFileName()
                    + " did not end cleanly, and a checkpoint cannot be moved: run it once more to its end or stop it"
                    + " with Ctrl-C, then back up; or back up while it runs");
        }
        FileTrees.copy(newest.get(), to.resolve(newest.get().getFileName()));
        return true;
    }

    private long store(Path backup) throws IOException {
        Path store = workspace.data().resolve("store");
        if (!Files.isDirectory(store)) {
            return 0;
        }
        FileTrees.copy(store, backup.resolve("store"));
        return FileTrees.lengths(backup.resolve("store")).values().stream()
                .mapToLong(bytes -> bytes)
                .sum();
    }

    private Map<String, Long> index(IndexClient client, Path backup, String snapshot) throws IOException {
        if (repository != null) {
            var snapshots = new Snapshots(client, workspace.layout(), repository);
            snapshots.create(snapshot);
            return snapshots.documents();
        }
        Path folder = SnapshotFolder.of(client, snapshot);
        var snapshots = new Snapshots(client, workspace.layout(), snapshot);
        try {
            snapshots.register(folder.toString(), false);
            Map<String, Long> documents = snapshots.documents();
            snapshots.create(snapshot);
            FileTrees.copy(folder, backup.resolve("index"));
            return documents;
        } finally {
            snapshots.unregister();
            FileTrees.delete(folder);
        }
    }
}
