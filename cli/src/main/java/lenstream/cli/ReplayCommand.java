package lenstream.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.fetch.FetchConfig;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.command.Recrawl;
import lenstream.core.config.DataSize;
import lenstream.core.config.Durations;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.index.DeadLetters;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.job.FlinkRest;
import lenstream.core.model.ModelBundle;
import lenstream.core.takedown.LateRemoval;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import lenstream.job.CrawlCounts;
import lenstream.job.IndexRun;
import lenstream.job.Intake;
import lenstream.job.JobSettings;
import lenstream.job.TargetList;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lenstream replay}: sends rejected images through the whole pipeline again, in a job of its own that ends with
 * them. Where a crawl of the index runs in this installation, it gets the images to ask for by the command log, so that no
 * host sees two visitors; else a job of its own asks for them.
 */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description = {
            "Sends rejected images (dead letters) through again, after whatever was wrong was mended.",
            "Without --reason those that may succeed as they are: time-outs, busy servers, refusals of a moment."
                    + " Reasons that cannot pass by themselves, such as corrupt or refused_by_index, must be named."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream replay --dry-run",
            "  ./lenstream replay --reason timeout --since 24h",
            "  ./lenstream replay --reason refused_by_index --stage index"
        })
final class ReplayCommand implements Callable<Integer> {
    private static final Duration INDEX_LIMIT = Duration.ofSeconds(60);
    /** How long a crawl may take from one answer to the next. */
    private static final Duration ANSWER_LIMIT = Duration.ofMinutes(2);

    private static final long POLL_MILLIS = 500;
    /** No job that has not read a command by then will read it. */
    private static final Duration KEPT_IN_LOG = Duration.ofDays(1);

    private static final int AT_ONCE = 1_000;

    @Mixin
    private Workspace workspace;

    @Mixin
    private StoreOptions store;

    @Mixin
    private OcrOptions ocr;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--reason",
            paramLabel = "REASON",
            split = ",",
            description = "only these: ${COMPLETION-CANDIDATES}")
    private @Nullable List<Reason> reasons;

    @Option(names = "--stage", paramLabel = "STAGE", split = ",", description = "only these: ${COMPLETION-CANDIDATES}")
    private @Nullable List<Stage> stages;

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description = "only what was rejected since: an age such as 24h, or a time such as 2026-01-31T08:00:00Z")
    private @Nullable String since;

    @Option(
            names = "--limit",
            paramLabel = "N",
            converter = AtLeastOne.class,
            defaultValue = "10000",
            description = "at most so many, the oldest first (default: ${DEFAULT-VALUE})")
    private int limit;

    @Option(
            names = "--attempts",
            paramLabel = "N",
            converter = AtLeastOne.class,
            defaultValue = "3",
            description = "leave out what was replayed so often (default: ${DEFAULT-VALUE})")
    private int attempts;

    @Option(
            names = "--seeds",
            paramLabel = "SEEDS.yaml",
            description = "the crawl's file, for its network settings and limits")
    private @Nullable Path seeds;

    @Option(names = "--dry-run", description = "only say what would be replayed")
    private boolean dryRun;

    @Option(names = "--json", description = "result as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        var choice = new DeadLetters.Choice(set(Reason.class, reasons), set(Stage.class, stages), since(), attempts);
        @Nullable Seeds crawl = seeds == null ? null : CrawlCommand.parse(List.of(seeds.toString()));
        try (var ctrlC = new CtrlC();
                OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch.url()))) {
            IndexSetup.await(client, INDEX_LIMIT);
            var deadLetters = new DeadLetters(client, workspace.layout());
            DeadLetters.Found found = deadLetters.find(choice, limit);
            if (dryRun || found.letters().isEmpty()) {
                print(found, Map.of(), false);
                return 0;
            }
            Instant now = Instant.now();
            deadLetters.note(found.letters(), now);
            List<DeadLetters.Letter> ofTheWeb =
                    found.letters().stream().filter(ReplayCommand::isOfTheWeb).toList();
            List<DeadLetters.Letter> own = found.letters();
            if (!ofTheWeb.isEmpty() && isCrawled()) {
                handOver(ofTheWeb, deadLetters, new CommandLog(client, workspace.layout()), now, ctrlC);
                own = own.stream().filter(letter -> !isOfTheWeb(letter)).toList();
            }
            if (!own.isEmpty()) {
                IndexLayout built = IndexSetup.asBuilt(
                        client,
                        workspace.layout(),
                        ModelBundle.load(workspace.model()).fingerprint());
                run(own, crawl, openSearch.url(), built, ctrlC);
                LateRemoval.since(now, client, workspace.layout()); // a job of its own hears no later take-down
            }
            print(found, deadLetters.stillRejected(found.letters()), true);
            return 0;
        }
    }

    /** Whether a crawl into this index runs in this installation: it takes commands. */
    private boolean isCrawled() throws InterruptedException {
        for (URI rest : new RunningJobs(workspace, List.of()).get()) {
            try (FlinkRest flink = FlinkRest.open(rest)) {
                if (flink.jobs().stream().anyMatch(this::isRunningCrawl)) {
                    return true;
                }
            } catch (IOException e) {
                // it has ended, or starts just now
            }
        }
        return false;
    }

    private static boolean isOfTheWeb(DeadLetters.Letter letter) {
        return letter.target().url().startsWith("http");
    }

    private boolean isRunningCrawl(FlinkRest.Job job) {
        return job.name().equals(CrawlCommand.jobName(workspace.prefix))
                && job.state().equals("RUNNING");
    }

    /** The crawl asks again, so that each host sees one visitor; waits for its answers as long as it goes on giving some. */
    private static void handOver(
            List<DeadLetters.Letter> letters, DeadLetters deadLetters, CommandLog log, Instant since, CtrlC ctrlC)
            throws InterruptedException {
        log.prune(Kind.RECRAWL, since.minus(KEPT_IN_LOG));
        for (int from = 0; from < letters.size(); from += AT_ONCE) {
            log.append(letters.subList(from, Math.min(letters.size(), from + AT_ONCE)).stream()
                    .map(letter -> Recrawl.of(letter.target(), since.toEpochMilli()))
                    .toList());
        }
        int left = letters.size();
        long deadline = System.nanoTime() + ANSWER_LIMIT.toNanos();
        try (var progress = ProgressLine.onStandardError()) {
            while (left > 0 && System.nanoTime() < deadline && !ctrlC.asked()) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
                int now = deadLetters.unanswered(letters, since).size();
                if (now < left) {
                    deadline = System.nanoTime() + ANSWER_LIMIT.toNanos();
                }
                left = now;
                progress.show(String.format(
                        Locale.ROOT,
                        "the running crawl asks again: %,d of %,d",
                        letters.size() - left,
                        letters.size()));
            }
        }
        if (left > 0) {
            System.err.printf(
                    Locale.ROOT, "%,d are still waiting for their hosts; the crawl goes on with them%n", left);
        }
    }

    /** A job of its own, from nothing: what an earlier one knew of a URL must not keep it from being asked again. */
    private void run(
            List<DeadLetters.Letter> letters, @Nullable Seeds crawl, String url, IndexLayout layout, CtrlC ctrlC)
            throws InterruptedException {
        EmbedConfig embed = crawl == null
                ? Embedding.config(workspace, 200_000_000, DataSize.ofMebibytes(30))
                : Embedding.config(
                        workspace, crawl.maxPixels(), crawl.fetch().web().maxBytes());
        OcrConfig words = ocr.config();
        var report = new CrawlReport(System.nanoTime());
        try (var progress = ProgressLine.onStandardError()) {
            var run = new IndexRun(
                    Intake.of(TargetList.of(
                            letters.stream().map(DeadLetters.Letter::target).toList())),
                    crawl == null ? FetchConfig.defaults() : crawl.fetch(),
                    embed,
                    workspace.openSearchAt(url),
                    layout,
                    JobSettings.named("lenstream-replay"),
                    store.config(workspace),
                    words);
            Path directory = workspace.jobDirectory("replay").resolve(Long.toString(System.currentTimeMillis()));
            var session =
                    new CrawlSession(run, directory, (CrawlCounts counts) -> progress.show(report.progress(counts)));
            ctrlC.onAsked(session::stop);
            session.await(false);
        }
    }

    private void print(DeadLetters.Found found, Map<String, String> again, boolean replayed) {
        var before = new TreeMap<String, Integer>();
        var after = new TreeMap<String, Integer>();
        found.letters().forEach(letter -> before.merge(letter.reason().name(), 1, Integer::sum));
        again.values().forEach(reason -> after.merge(reason, 1, Integer::sum));
        int withdrawn = replayed ? found.letters().size() - again.size() : 0;
        var out = spec.commandLine().getOut();
        if (json) {
            ObjectNode result = JsonNodeFactory.instance
                    .objectNode()
                    .put("chosen", found.letters().size())
                    .put("replayed", replayed)
                    .put("no_longer_rejected", withdrawn)
                    .put("exhausted", found.exhausted())
                    .put("more", found.more());
            ObjectNode chosen = result.putObject("chosen_reasons");
            before.forEach(chosen::put);
            ObjectNode rejected = result.putObject("rejected_again");
            after.forEach(rejected::put);
            out.println(result.toPrettyString());
        } else {
            out.printf(
                    Locale.ROOT,
                    "%s %,d dead letters%n",
                    replayed ? "replayed" : "would replay",
                    found.letters().size());
            before.forEach((reason, n) -> out.printf(Locale.ROOT, "  %-20s %,d%n", lower(reason), n));
            if (replayed) {
                out.printf(Locale.ROOT, "no longer rejected: %,d, rejected again: %,d%n", withdrawn, again.size());
                after.forEach((reason, n) -> out.printf(Locale.ROOT, "  %-20s %,d%n", lower(reason), n));
            }
            if (found.exhausted() > 0) {
                out.printf(
                        Locale.ROOT,
                        "left out %,d that were replayed %d times; --attempts %d tries them once more%n",
                        found.exhausted(),
                        attempts,
                        attempts + 1);
            }
            if (found.more()) {
                out.println("there are more: run it again, or raise --limit");
            }
        }
        out.flush();
    }

    private Instant since() {
        if (since == null) {
            return Instant.EPOCH;
        }
        try {
            return since.indexOf('T') > 0 ? Instant.parse(since) : Instant.now().minus(Durations.parse(since));
        } catch (DateTimeException | IllegalArgumentException e) {
            throw new CliException(
                    "--since must be an age such as 24h or a time such as 2026-01-31T08:00:00Z, not \"" + since + "\"",
                    e);
        }
    }

    private static <E extends Enum<E>> Set<E> set(Class<E> type, @Nullable Collection<E> named) {
        return named == null || named.isEmpty() ? EnumSet.noneOf(type) : EnumSet.copyOf(named);
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
