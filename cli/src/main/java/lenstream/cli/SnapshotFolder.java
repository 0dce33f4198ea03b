package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import lenstream.core.index.IndexClient;
import lenstream.core.index.Snapshots;

/** Where an OpenSearch of this machine may write and read a snapshot. */
final class SnapshotFolder {
    private SnapshotFolder() {}

    static Path of(IndexClient client, String name) {
        Path folder = Snapshots.folder(client)
                .map(Path::of)
                .orElseThrow(() -> new CliException("OpenSearch at " + client.url()
                        + " has no path.repo: set one in its opensearch.yml, or name a repository of its own with"
                        + " --repository"));
        Path parent = folder.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new CliException("OpenSearch at " + client.url() + " keeps its snapshots in " + folder
                    + ", which is not on this machine: name a repository that it has with --repository");
        }
        return folder.resolve(name);
    }
}
