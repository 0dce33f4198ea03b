package lenstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.RevisitPolicy;
import lenstream.connector.folder.FolderSource;
import lenstream.connector.warc.WarcSource;
import lenstream.core.config.DataSize;
import lenstream.core.config.Durations;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.ModelBundle;
import lenstream.core.takedown.LateRemoval;
import lenstream.core.web.WebConfig;
import lenstream.gpu.operator.OcrConfig;
import lenstream.job.CrawlCounts;
import lenstream.job.IndexRun;
import lenstream.job.Intake;
import lenstream.job.JobSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream index}: indexes images in folders, object stores and web archives. */
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
            "  ./lenstream index ~/Pictures --ocr                     (words in pictures; first: ./lenstream add ocr)",
            "  ./lenstream index ~/Pictures --ocr --again             (also in those that were indexed before)",
            "  ./lenstream index s3://bucket/prefix --follow --interval 5m",
            "  ./lenstream index s3://bucket/prefix --cluster 127.0.0.1:8081      (its machines must reach the same places)",
            "  ./lenstream index --warc ~/crawls 'more/*.warc.gz'",
            "  ./lenstream index https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-10/warc.paths.gz --fetch-linked",
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

    @Mixin
    private OcrOptions ocr;

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "DIR|URL",
            description =
                    "folders, prefixes of object stores such as s3://bucket/prefix, web archives (.warc.gz) or lists of"
                            + " them (.paths.gz, one a line)")
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

    @Option(
            names = "--again",
            description =
                    "read unchanged files again, too, to the last one: for their words, where --ocr is new, or captions that"
                            + " changed")
    private boolean again;

    @Option(
            names = "--warc",
            description = "the places hold web archives: folders, patterns, prefixes, files, or lists of any of these")
    private boolean warc;

    @Option(
            names = "--fetch-linked",
            description =
                    "with archives: fetch the images that archived pages name, politely; Common Crawl's hold pages only")
    private boolean fetchLinked;

    @Option(
            names = "--contact",
            paramLabel = "URL|MAIL",
            description = "goes into the User-Agent of what is fetched from the web")
    private @Nullable String contact;

    @Option(
            names = "--allow-private",
            paramLabel = "CIDR",
            split = ",",
            description = "private networks that may be reached, such as 10.0.0.0/8")
    private List<String> allowPrivate = List.of();

    @Mixin
    private ClusterOptions where = new ClusterOptions();

    @Option(names = "--json", description = "final counts as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (follow && building.bulkLoad()) {
            throw new CliException("--bulk-load is for a first fill that ends; index once, then --follow");
        }
        if (again && follow) {
            throw new CliException("--again ends with the last file; index once with it, then --follow without");
        }
        if (again && !where.here()) {
            throw new CliException(
                    "--again is for runs on this machine; on a cluster a run without --savepoint reads every file");
        }
        ClusterSubmission submission = where.submission(workspace);
        if (places.stream().anyMatch(FolderSource::isUrl)) {
            workspace.loadFileSystems();
        }
        OcrConfig words = ocr.config();
        boolean archives = warc || places.stream().anyMatch(WarcSource::isNamedLikeAnArchive);
        if (fetchLinked && !archives) {
            throw new CliException("--fetch-linked reads the pages of web archives; name some, with --warc");
        }
        Duration pause = pause();
        Intake intake = archives ? archives(pause) : folders(pause);
        IndexLayout asked = building.apply(workspace.layout());
        var report = new CrawlReport(System.nanoTime());
        try (var ctrlC = new CtrlC();
                OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                var progress = ProgressLine.onStandardError()) {
            IndexLayout layout = building.asBuilt(
                    asked,
                    workspace.openSearchAt(openSearch.url()),
                    ModelBundle.load(workspace.model()).fingerprint());
            var run = new IndexRun(
                    intake,
                    fetch(archives),
                    Embedding.config(workspace, 200_000_000, DataSize.ofMebibytes(30)),
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    JobSettings.named("lenstream-index").withParallelism(where.parallelism()),
                    store.config(workspace),
                    words);
            Consumer<CrawlCounts> show = counts -> progress.show(report.progress(counts));
            CrawlCounts counts = submission != null
                    ? submission.await(run, follow, show, ctrlC)
                    : again ? anew(run, show, ctrlC) : here(run, archives, show, ctrlC);
            progress.close();
            building.finish(
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    ModelBundle.load(workspace.model()).fingerprint());
            if (counts.archivesBroken() > 0) {
                System.err.println(counts.archivesBroken() + " archive(s) could not be read, or not to their end; "
                        + workspace.logs() + " says which and why");
            }
            if (counts.unread() > 0) {
                System.err.println("folders could not be read, " + counts.unread() + " time(s); " + workspace.logs()
                        + " says which and why");
            }
            RunSummary.of(workspace, openSearch.url(), counts).print(spec.commandLine(), json, report);
            if (words != null && counts.unchanged() > 0) {
                System.err.printf(
                        Locale.ROOT,
                        "%,d file(s) are unchanged and were not read for words; --again reads them, too%n",
                        counts.unchanged());
            }
            return 0;
        }
    }

    /** What is known of files and of archives lies apart: a run of one would forget the other's. */
    private CrawlCounts here(IndexRun run, boolean archives, Consumer<CrawlCounts> show, CtrlC ctrlC)
            throws InterruptedException {
        var session = new CrawlSession(run, workspace.jobDirectory(archives ? "archives" : "index"), show);
        ctrlC.onAsked(session::stop);
        return session.await(follow);
    }

    /**
     * From nothing, so that no file counts as known, and leaves nothing: the next run still knows what was deleted. What is
     * taken down meanwhile that run hears, but this job does not.
     */
    private CrawlCounts anew(IndexRun run, Consumer<CrawlCounts> show, CtrlC ctrlC) throws InterruptedException {
        Instant begun = Instant.now();
        Path directory = workspace.jobDirectory("again-" + begun.toEpochMilli());
        try (IndexClient client = IndexClient.open(run.openSearch())) {
            var session = new CrawlSession(run, directory, show);
            ctrlC.onAsked(session::stop);
            CrawlCounts counts = session.await(false);
            LateRemoval.since(begun, client, run.layout());
            return counts;
        } finally {
            try {
                FileTrees.delete(directory);
            } catch (IOException e) {
                System.err.println(directory + " could not be deleted and may be: " + e.getMessage());
            }
        }
    }

    private Intake folders(Duration pause) {
        for (String place : places) {
            if (!FolderSource.isUrl(place) && !Files.isDirectory(Path.of(place))) {
                throw new CliException(place + " is no folder; name a folder that holds images");
            }
        }
        if (captions != null && !Files.isReadable(captions)) {
            throw new CliException(captions + " cannot be read; name a file with lines of file, tab, caption");
        }
        FolderSource once = FolderSource.ofPlaces(places);
        FolderSource source = captions == null ? once : once.withCaptions(captions.toAbsolutePath());
        return Intake.of(follow ? source.following(pause) : source);
    }

    private Intake archives(Duration pause) {
        if (captions != null) {
            throw new CliException(
                    "--captions belong to folders; what is said of an archived image stands in its page");
        }
        WarcSource once = WarcSource.of(places, web());
        WarcSource linked = fetchLinked ? once.fetchingLinked() : once;
        WarcSource source = follow ? linked.following(pause) : linked;
        System.err.printf(Locale.ROOT, "%,d archive(s)%n", source.count());
        return Intake.ofArrivals(source);
    }

    private FetchConfig fetch(boolean archives) {
        if (archives) {
            return FetchConfig.defaults().withWeb(web());
        }
        FetchConfig plain = FetchConfig.defaults().withTotal(16);
        return places.stream().anyMatch(FolderSource::isUrl) ? plain : plain.withRevisit(LOCAL);
    }

    private WebConfig web() {
        WebConfig web = CliException.unless(
                "--allow-private", () -> WebConfig.defaults().withAllowPrivate(allowPrivate));
        return contact == null ? web : web.withUserAgent(WebConfig.userAgent(contact));
    }

    private Duration pause() {
        return CliException.unless("--interval", () -> Durations.parse(interval));
    }
}
