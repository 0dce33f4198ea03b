package lenstream.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lenstream.connector.store.StoreConfig;
import lenstream.connector.store.StoreFiles;
import lenstream.connector.store.StorePruning;
import lenstream.core.index.IndexClient;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpacePlans;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lenstream store}: what the image store holds, and its pruning. */
@Command(
        name = "store",
        mixinStandardHelpOptions = true,
        description = "Says what the image store holds; with --prune removes what the index no longer shows:"
                + " superseded, removed and taken-down images.",
        footer = {"", "Example, once a day:  ./lenstream store --prune"})
final class StoreCommand implements Callable<Integer> {
    @Mixin
    private IndexPlace place;

    @Spec
    private CommandSpec spec;

    @Option(names = "--store", paramLabel = "URI", description = "the store (default: store in the data folder)")
    private @Nullable String store;

    @Option(names = "--prune", description = "remove what the index no longer shows")
    private boolean prune;

    @Override
    public Integer call() throws IOException {
        StoreConfig config = StoreOptions.at(place, store);
        StoreFiles files = StoreFiles.at(config.uri());
        var out = spec.commandLine().getOut();
        if (prune) {
            try (OpenSearchLease openSearch = OpenSearchLease.acquire(place);
                    IndexClient client = IndexClient.open(place.openSearchAt(openSearch.url()));
                    var progress = ProgressLine.onStandardError()) {
                requireNoMove(client);
                StorePruning.Result result = new StorePruning(
                                files, client, place.layout().readAlias())
                        .run(rows -> progress.show(rows + " images looked at"));
                progress.close();
                out.printf(
                        Locale.ROOT,
                        "removed %,d of %,d images, %,d MiB%n",
                        result.dropped(),
                        result.rows(),
                        result.freedBytes() >> 20);
            }
        }
        List<StoreFiles.StoreFile> all = files.list();
        out.printf(
                Locale.ROOT,
                "%s: %,d files, %,d MiB, of these %,d in progress%n",
                config.uri(),
                all.size(),
                all.stream().mapToLong(StoreFiles.StoreFile::bytes).sum() >> 20,
                all.stream().filter(file -> !file.finished()).count());
        out.flush();
        return 0;
    }

    private void requireNoMove(IndexClient client) {
        new SpacePlans(client, place.layout())
                .read()
                .map(SpacePlans.Kept::plan)
                .filter(plan -> plan.phase() == SpacePlan.Phase.BACKFILL)
                .ifPresent(plan -> {
                    throw new CliException("a move to " + plan.to().fingerprint()
                            + " reads the store: prune after ./lenstream reembed has ended");
                });
    }
}
