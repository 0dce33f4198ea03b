package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.RevisitPolicy;
import lenstream.connector.folder.FolderSource;
import lenstream.core.config.DataSize;
import lenstream.core.config.Durations;
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

/** {@code lenstream index}: indexes images in folders and object stores. */
@Command(
        name = "index",
        mixinStandardHelpOptions = true,
        description =
                "Indexes images in folders and object stores, with all that lies below them; a later run reads only what"
                        + " changed. What is deleted there leaves the index when it was missed twice.",
        footer = {
            "",
            "Examples:",
            "  ./lenstream index ~/Pictures --captions captions.tsv",
            "  ./lenstream index ~/Pictures --follow",
            "  ./lenstream index s3://bucket/prefix --follow --interval 5m",
            "",
            "S3 is reached as Amazon's own tools reach it: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_PROFILE,",
            "AWS_ENDPOINT_URL_S3 for another store. Its file system is fetched once, with: ./lenstream add s3"
        })
final class IndexCommand implements Callable<Integer> {
    /** A look at a file of this machine costs nothing, so that deleted ones are soon missed. */
    private static final RevisitPolicy LOCAL =
            new RevisitPolicy(Duration.ofMinutes(10), Duration.ofMinutes(1), Duration.ofHours(6), Duration.ofDays(90));

    @Mixin
    private Workspace workspace;

    @Mixin
    private LayoutOptions building;

    @Mixin
    private StoreOptions store;

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "DIR|URL",
            description = "folders, or prefixes of object stores such as s3://bucket/prefix")
    private List<String> places;

    @Option(names = "--captions", paramLabel = "FILE.tsv", description = "a line an image: file, tab, caption")
    private @Nullable Path captions;

    @Option(names = "--follow", description = "keep looking for new and changed files; else end when all were read")
    private boolean follow;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            defaultValue = "1m",
            description = "with --follow: pause between two looks (default: ${DEFAULT-VALUE})")
    private String interval;

    @Option(names = "--json", description = "final counts as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (follow && building.bulkLoad()) {
            throw new CliException("--bulk-load is for a first fill that ends; index once, then --follow");
        }
        boolean anyUrl = places.stream().anyMatch(FolderSource::isUrl);
        for (String place : places) {
            if (!FolderSource.isUrl(place) && !Files.isDirectory(Path.of(place))) {
                throw new CliException(place + " is no folder; name a folder that holds images");
            }
        }
        if (captions != null && !Files.isReadable(captions)) {
            throw new CliException(captions + " cannot be read; name a file with lines of file, tab, caption");
        }
        Duration pause = pause();
        if (anyUrl) {
            workspace.loadFileSystems();
        }
        FolderSource once = FolderSource.ofPlaces(places);
        FolderSource source = follow ? once.following(pause) : once;
        FetchConfig plain = FetchConfig.defaults().withTotal(16);
        FetchConfig fetch = anyUrl ? plain : plain.withRevisit(LOCAL);
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
            CrawlCounts counts = session.await(follow);
            progress.close();
            building.finish(
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    ModelBundle.load(workspace.model()).fingerprint());
            RunSummary.of(workspace, openSearch.url(), counts).print(spec.commandLine(), json, report);
            return 0;
        }
    }

    private Duration pause() {
        try {
            return Durations.parse(interval);
        } catch (IllegalArgumentException e) {
            throw new CliException("--interval: " + e.getMessage(), e);
        }
    }
}
