package lenstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import lenstream.core.alert.SealedSecrets;
import lenstream.core.command.CommandLog;
import lenstream.core.command.Recrawl;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.SeenSince;
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
            "The next crawl goes on from there and downloads only what is new or changed, and what came while the backup"
                    + " was made.",
            "The key that signs receipts and seals secrets is in no backup: copy the old installation's file receipt-key"
                    + " into the data folder first."
        },
        footer = {"", "Example:  ./lenstream restore /mnt/backup/2026-11-27 --data /var/lib/lenstream"})
final class RestoreCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Mixin
    private InstallationKey key;

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
            long later = manifest.jobs().isEmpty() ? 0 : askAgain(client, index, manifest);
            var out = spec.commandLine().getOut();
            out.printf(
                    Locale.ROOT,
                    "restored the backup of %s: %,d images, state of %s%n",
                    manifest.created(),
                    manifest.documents().getOrDefault(index, 0L),
                    manifest.jobs().isEmpty() ? "no job" : String.join(", ", manifest.jobs()));
            if (later > 0) {
                out.printf(
                        Locale.ROOT,
                        "%,d images were seen while the backup was made: the crawl asks for them again%n",
                        later);
            }
            if (manifest.jobs().contains("cluster")) {
                out.printf(
                        "the cluster's crawl goes on with --savepoint %s%n",
                        savepoint(backup.resolve("state").resolve("cluster")));
            }
            out.flush();
            sayKey(manifest, SealedSecrets.of(client, workspace.layout()));
            return 0;
        }
    }

    /** What does not open here, and what to copy where. */
    private void sayKey(BackupManifest manifest, SealedSecrets sealed) {
        String id = key.id(workspace);
        SealedSecrets closed = key.closed(workspace, sealed);
        if (closed.isEmpty() && id.equals(manifest.key())) {
            return;
        }
        Path file = key.file(workspace);
        System.err.printf(
                "%s, and the backup was made with %s, which is never part of one. Copy that installation's key file to %s,"
                        + " for its owner alone (chmod 600), before the search API starts. Without it:%n",
                id.isEmpty() ? "there is no key at " + file : "the key at " + file + " is " + id,
                manifest.key().isEmpty() ? "another" : "the key " + manifest.key(),
                file);
        if (!closed.webhooks().isEmpty()) {
            System.err.printf(
                    Locale.ROOT,
                    "  %,d alert(s) cannot sign what they tell their webhook, which fails after its attempts: copy the key, or"
                            + " make them anew%n",
                    closed.webhooks().size());
        }
        if (!closed.subscriptions().isEmpty()) {
            System.err.printf(
                    Locale.ROOT,
                    "  %,d WebSub subscription(s) take nothing until the server has asked their hub for another secret,"
                            + " which it does by itself%n",
                    closed.subscriptions().size());
        }
        System.err.println("  receipts of take-downs that were signed before cannot be verified here");
    }

    /**
     * The index is younger than the state by the time that the backup took. Of what it has learnt in that time the job knows
     * nothing or something older: an image that goes away now would be shown for ever, and one that is back as it was would
     * stay rejected. So the crawl is told to look at each of them as if it had never seen it.
     */
    private long askAgain(IndexClient client, String index, BackupManifest manifest) {
        var log = new CommandLog(client, workspace.layout());
        long now = System.currentTimeMillis();
        long seen = 0;
        for (String of : List.of(index, workspace.layout().rejectionIndex())) {
            seen += SeenSince.in(
                    client,
                    of,
                    manifest.created(),
                    targets -> log.append(targets.stream()
                            .map(target -> Recrawl.of(target, now))
                            .toList()));
        }
        return seen;
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
