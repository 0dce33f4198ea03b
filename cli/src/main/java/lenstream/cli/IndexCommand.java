package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.folder.FolderSource;
import lenstream.core.config.DataSize;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.ModelBundle;
import lenstream.job.CrawlCounts;
import lenstream.job.IndexRun;
import lenstream.job.JobSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream index}: indexes folders of images. */
@Command(
        name = "index",
        mixinStandardHelpOptions = true,
        description = "Indexes folders of images with all that lies below them; a later run reads only what changed.",
        footer = {"", "Example:  ./lenstream index ~/Pictures --captions captions.tsv"})
final class IndexCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Mixin
    private LayoutOptions building;

    @Mixin
    private StoreOptions store;

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "folders")
    private List<Path> folders;

    @Option(names = "--captions", paramLabel = "FILE.tsv", description = "a line an image: file, tab, caption")
    private @Nullable Path captions;

    @Option(names = "--json", description = "final counts as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        for (Path folder : folders) {
            if (!Files.isDirectory(folder)) {
                throw new CliException(folder + " is no folder; name a folder that holds images");
            }
        }
        if (captions != null && !Files.isReadable(captions)) {
            throw new CliException(captions + " cannot be read; name a file with lines of file, tab, caption");
        }
        FolderSource source = FolderSource.of(
                folders.stream().map(f -> f.toAbsolutePath().normalize()).toList());
        FetchConfig fetch = FetchConfig.defaults().withTotal(16);
        IndexLayout layout = building.apply(workspace.layout());
        var report = new CrawlReport(System.nanoTime());
        try (var ctrlC = new CtrlC();
                OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                var progress = ProgressLine.onStandardError()) {
            var run = new IndexRun(
                    captions == null ? source : source.withCaptions(captions.toAbsolutePath()),
                    fetch,
                    Embedding.config(workspace, 200_000_000, DataSize.ofMebibytes(30)),
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    JobSettings.named("lenstream-index"),
                    store.config(workspace));
            var session = new CrawlSession(
                    run, workspace.jobDirectory("index"), counts -> progress.show(report.progress(counts)));
            ctrlC.onAsked(session::stop);
            CrawlCounts counts = session.await(false);
            progress.close();
            building.finish(
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    ModelBundle.load(workspace.model()).fingerprint());
            RunSummary.of(workspace, openSearch.url(), counts).print(spec.commandLine(), json, report);
            return 0;
        }
    }
}
