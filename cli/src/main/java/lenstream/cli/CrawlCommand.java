package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.UrlTopic;
import lenstream.connector.kafka.KafkaArrivals;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.operator.EmbedConfig;
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
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream crawl}: indexes the images of sites. */
@Command(
        name = "crawl",
        mixinStandardHelpOptions = true,
        description =
                "Crawls sites politely and indexes their images; a later run fetches only what is new or changed.",
        footer = {
            "",
            "Examples:",
            "  ./lenstream crawl https://example.org/",
            "  ./lenstream crawl SEEDS.yaml --follow",
            "  ./lenstream crawl --kafka broker:9092/urls --follow      (first: ./lenstream add kafka)",
            "  ./lenstream crawl SEEDS.yaml --cluster 127.0.0.1:8081"
        })
final class CrawlCommand implements Callable<Integer> {
    /** What the names of its jobs begin with. */
    private static final String JOB = "lenstream-crawl";

    /** The name of a crawl that fills the indices of this prefix. */
    static String jobName(String prefix) {
        return JOB + " of " + prefix;
    }

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

    @Parameters(arity = "0..*", paramLabel = "SEEDS.yaml|URL", description = "a seeds file, or URLs of sites")
    private List<String> seeds = List.of();

    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT,.../TOPIC",
            description = "read URLs from this topic, too: of images, or of pages and feeds; also kafka: in SEEDS.yaml")
    private @Nullable String kafka;

    @Option(names = "--follow", description = "keep crawling on each site's interval; else end when nothing is left")
    private boolean follow;

    @Mixin
    private ClusterOptions where = new ClusterOptions();

    @Option(names = "--json", description = "final counts as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (follow && building.bulkLoad()) {
            throw new ParameterException(
                    spec.commandLine(), "--bulk-load is for a first fill that ends; crawl once, then --follow.");
        }
        Seeds parsed = seeds();
        UrlTopic topic = parsed.topic();
        if (topic != null && !follow) {
            throw new CliException("the topic " + topic.topic() + " has no end: add --follow");
        }
        if (topic != null && where.here()) {
            KafkaArrivals.check(topic);
        }
        ClusterSubmission submission = where.submission(workspace);
        EmbedConfig embed = Embedding.config(
                workspace, parsed.maxPixels(), parsed.fetch().web().maxBytes());
        OcrConfig words = ocr.config();
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
                    Intake.following(parsed, follow ? FrontierSource.follow(parsed) : FrontierSource.once(parsed)),
                    parsed.fetch(),
                    embed,
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    JobSettings.named(jobName(workspace.prefix)).withParallelism(where.parallelism()),
                    store.config(workspace),
                    words);
            Consumer<CrawlCounts> show = counts -> progress.show(report.progress(counts));
            CrawlCounts counts =
                    submission == null ? here(run, show, ctrlC) : submission.await(run, follow, show, ctrlC);
            progress.close();
            building.finish(
                    workspace.openSearchAt(openSearch.url()),
                    layout,
                    ModelBundle.load(workspace.model()).fingerprint());
            RunSummary.of(workspace, openSearch.url(), counts).print(spec.commandLine(), json, report);
            if (words != null && counts.unchanged() > 0) {
                System.err.printf(
                        Locale.ROOT,
                        "%,d image(s) are unchanged and were not read for words: a crawl reads them when they change%n",
                        counts.unchanged());
            }
            return unread(counts);
        }
    }

    /** Says that lists and pages could not be read; the exit code, which is 1 if not one could. */
    private int unread(CrawlCounts counts) {
        if (counts.unread() == 0) {
            return 0;
        }
        System.err.printf(
                Locale.ROOT,
                "%,d of %,d pages, sitemaps and feeds cannot be read: %s says which and why%n",
                counts.unread(),
                counts.lists(),
                where.here() ? workspace.logs().resolve("crawl.log") : "the log of the TaskManagers");
        return counts.unread() == counts.lists() ? 1 : 0;
    }

    private Seeds seeds() {
        if (kafka == null) {
            if (seeds.isEmpty()) {
                throw new ParameterException(
                        spec.commandLine(), "Name a seeds file, the URL of a site, or a topic with --kafka.");
            }
            return parse(seeds);
        }
        UrlTopic topic = topic(kafka);
        return seeds.isEmpty() ? Seeds.ofTopic(topic) : parse(seeds).withTopic(topic);
    }

    private static UrlTopic topic(String written) {
        return CliException.unless("--kafka", () -> UrlTopic.parse(written));
    }

    private CrawlCounts here(IndexRun run, Consumer<CrawlCounts> show, CtrlC ctrlC) throws InterruptedException {
        var session = new CrawlSession(run, workspace.jobDirectory("crawl"), show);
        ctrlC.onAsked(session::stop);
        return session.await(follow);
    }

    /** One argument that is a file is a seeds file; everything else must be URLs. */
    static Seeds parse(List<String> arguments) {
        if (arguments.size() == 1 && !arguments.getFirst().contains("://")) {
            Path file = Path.of(arguments.getFirst());
            if (!Files.isRegularFile(file)) {
                throw new CliException(file + " is neither a file nor a URL; write for example https://example.org/");
            }
            return Seeds.read(file);
        }
        arguments.forEach(url -> {
            if (!url.contains("://")) {
                throw new CliException("\"" + url + "\" is no URL; write for example https://example.org/");
            }
        });
        return Seeds.ofUrls(arguments);
    }
}
