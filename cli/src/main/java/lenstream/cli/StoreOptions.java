package lenstream.cli;

import java.io.IOException;
import lenstream.connector.folder.FolderSource;
import lenstream.connector.store.ImageStore;
import lenstream.connector.store.StoreConfig;
import lenstream.core.config.DataSize;
import lenstream.job.JobSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether and where a command keeps the images that it fetches. Confined to one command. */
final class StoreOptions {
    @Option(
            names = "--store",
            paramLabel = "URI",
            description = "keep fetched images here for other encoders (default: store in the data folder)")
    private @Nullable String uri;

    @Option(names = "--no-store", description = "keep no images: a move to another encoder then needs a new crawl")
    private boolean none;

    @Option(
            names = "--store-original",
            paramLabel = "SIZE",
            defaultValue = "1MiB",
            description = "longest original that is kept as it is, of longer ones a smaller copy"
                    + " (default: ${DEFAULT-VALUE})")
    private String original = "1MiB";

    /** The store of this command; null if it keeps none. */
    @Nullable
    StoreConfig config(DataFolder folder) {
        if (none) {
            return null;
        }
        StoreConfig config = at(folder, uri);
        return CliException.unless("--store-original", () -> config.withOriginalBytes(DataSize.parse(original)));
    }

    /** @param uri of the store; null for the one in the data folder */
    static StoreConfig at(DataFolder folder, @Nullable String uri) {
        if (uri == null) {
            return at(folder);
        }
        if (FolderSource.isUrl(uri)) {
            folder.loadFileSystems();
        }
        return StoreConfig.at(uri);
    }

    /** The store in the data folder. */
    static StoreConfig at(DataFolder folder) {
        return StoreConfig.at(JobSettings.flinkPath(folder.data().resolve("store")));
    }

    /** Makes the store in the data folder one of its own after it was brought back. */
    static void renew(DataFolder folder) throws IOException {
        ImageStore.renew(at(folder).uri());
    }
}
