package lenstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Snapshots;
import lenstream.core.model.ModelBundle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream restore}: a backup into an empty installation. */
@Command(
        name = "restore",
        mixinStandardHelpOptions = true,
        description = {
            "Brings a backup back into an empty installation: index, job state and image store.",
            "The next crawl goes on from there and downloads only what is new or changed."
        },
        footer = {"", "Example:  ./lenstream restore /mnt/backup/2026-11-27 --data /var/lib/lenstream"})
final class RestoreCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "what ./lenstream backup wrote")
    private Path source;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path backup = source.toAbsolutePath().normalize();
        BackupManifest manifest = BackupManifest.read(backup);
        if (!manifest.prefix().equals(workspace.prefix)) {
            throw new CliException("the backup's indices begin with " + manifest.prefix() + ", not " + workspace.prefix
                    + ": restore with --prefix " + manifest.prefix());
        }
        Path bundle = bundle(manifest);
        requireNoFiles();
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch.url()))) {
            index(client, backup, manifest);
            String index = IndexSetup.searched(client, workspace.layout())
                    .orElseThrow(() -> new CliException(
                            "the snapshot has no alias " + workspace.layout().readAlias()));
            String lineage = IndexSetup.lineage(client, index);
            for (String job : manifest.jobs()) {
                if (!job.equals("cluster")) {
                    FileTrees.copy(
                            backup.resolve("state").resolve(job),
                            workspace.jobDirectory(job).resolve(lineage).resolve("checkpoints"));
                }
            }
            if (Files.isDirectory(backup.resolve("store"))) {
                FileTrees.copy(backup.resolve("store"), workspace.data().resolve("store"));
                StoreOptions.renew(workspace); // files in progress there belong to another installation's state
            }
            workspace.remember(bundle);
            var out = spec.commandLine().getOut();
            out.printf(
                    Locale.ROOT,
                    "restored the backup of %s: %,d images, state of %s%n",
                    manifest.created(),
                    manifest.documents().getOrDefault(index, 0L),
                    manifest.jobs().isEmpty() ? "no job" : String.join(", ", manifest.jobs()));
            if (manifest.jobs().contains("cluster")) {
                out.printf(
                        "the cluster's crawl goes on with --savepoint %s%n",
                        savepoint(backup.resolve("state").resolve("cluster")));
            }
            out.flush();
            return 0;
        }
    }

    private static Path savepoint(Path folder) throws IOException {
        try (Stream<Path> folders = Files.list(folder)) {
            return folders.findFirst().orElse(folder);
        }
    }

    /** The encoder of the index: the one that is named, or the one that the backup was made with. */
    private Path bundle(BackupManifest manifest) {
        List<Path> candidates = workspace.model != null
                ? List.of(workspace.model())
                : List.of(Path.of(manifest.bundle()), Workspace.home().resolve("models/lensmini"));
        for (Path candidate : candidates) {
            if (Files.isRegularFile(candidate.resolve("encoder.json"))) {
                String found = ModelBundle.load(candidate).fingerprint().value();
                if (found.equals(manifest.fingerprint())) {
                    return candidate;
                }
                if (workspace.model != null) {
                    throw new CliException("the backup is of encoder " + manifest.fingerprint() + ", " + candidate
                            + " holds " + found + ": name the right bundle with --model");
                }
            }
        }
        throw new CliException("the backup is of encoder " + manifest.fingerprint() + ", whose bundle is not at "
                + manifest.bundle() + ": name it with --model DIR");
    }

    private void requireNoFiles() throws IOException {
        for (Path folder :
                List.of(workspace.data().resolve("jobs"), workspace.data().resolve("store"))) {
            if (Files.isDirectory(folder) && !FileTrees.lengths(folder).isEmpty()) {
                throw new CliException(folder + " is not empty: restore into a new data folder (--data DIR), or remove"
                        + " what is there");
            }
        }
    }

    private void index(IndexClient client, Path backup, BackupManifest manifest) throws IOException {
        boolean own = manifest.repository().isEmpty();
        var snapshots = new Snapshots(client, workspace.layout(), own ? manifest.snapshot() : manifest.repository());
        Map<String, Long> present = snapshots.documents();
        if (!present.isEmpty()) {
            throw new CliException("OpenSearch at " + client.url() + " holds " + String.join(", ", present.keySet())
                    + ": restore into an empty cluster, or delete these indices first");
        }
        if (!own) {
            snapshots.restore(manifest.snapshot());
        } else {
            Path folder = SnapshotFolder.of(client, manifest.snapshot());
            try {
                FileTrees.copy(backup.resolve("index"), folder);
                FileTrees.makeReadable(folder);
                snapshots.register(folder.toString(), true);
                snapshots.restore(manifest.snapshot());
            } finally {
                snapshots.unregister();
                FileTrees.delete(folder);
            }
        }
        IndexSetup.await(client, java.time.Duration.ofMinutes(5));
        snapshots.documents().forEach((index, count) -> {
            long expected = manifest.documents().getOrDefault(index, 0L);
            if (count < expected) {
                throw new CliException("index " + index + " holds " + count
                        + " documents after the restore, the backup " + expected + ": see OpenSearch's log");
            }
        });
    }
}
