package lenstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import lenstream.connector.store.StoreConfig;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.DataSize;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpacePlans;
import lenstream.core.local.LoopbackPorts;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.job.reembed.GateReport;
import lenstream.job.reembed.GateRules;
import lenstream.job.reembed.Reembedding;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lenstream reembed}: moves the index to another encoder while it is searched. */
@Command(
        name = "reembed",
        mixinStandardHelpOptions = true,
        description = {
            "Moves the index to another encoder while it is searched and written, without a download.",
            "Fills a second index from the image store, measures it, and switches to it in one step. May be stopped or"
                    + " killed at any time: the same command goes on."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream reembed --model ~/models/siglip-base",
            "  ./lenstream reembed --model ~/models/siglip-base --gate gate.yaml",
            "  ./lenstream reembed --status",
            "  ./lenstream reembed --rollback        # at once, as long as the old index is there",
            "  ./lenstream reembed --cleanup         # deletes the index that is not searched",
            "",
            "gate.yaml, every key optional:",
            "  max_missing: 0            # share of the images that the new index may lack",
            "  min_recall: 0.95          # recall@10 of the new index against exact search",
            "  min_overlap: 0            # share of the top ten that both encoders agree on",
            "  min_copy_cosine: 0.95     # what stored copies keep of their originals",
            "  max_label_loss: 0         # of the share of labelled queries that find a relevant image",
            "  samples: 100",
            "  queries: [{text: \"a red apple\", relevant: [\"https://example.org/apple.jpg\"]}]"
        })
final class ReembedCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Spec
    private CommandSpec spec;

    @Option(names = "--gate", paramLabel = "FILE", description = "what the new index must show (YAML, see below)")
    private @Nullable Path gate;

    @Option(
            names = "--from",
            paramLabel = "DIR",
            description = "bundle of the present encoder (default: the one that commands use without --model)")
    private @Nullable Path from;

    @Option(names = "--store", paramLabel = "URI", description = "the image store (default: store in the data folder)")
    private @Nullable String store;

    @Option(names = "--rollback", description = "search with the encoder before, at once")
    private boolean rollback;

    @Option(names = "--cleanup", description = "delete the index that is not searched; there is no way back then")
    private boolean cleanup;

    @Option(names = "--status", description = "how far a move is, and who follows it")
    private boolean status;

    @Option(
            names = "--cluster",
            paramLabel = "HOST:PORT",
            description = "run the backfill on this Flink cluster (its REST address)")
    private @Nullable String cluster;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = "embed at most N images a second (default: as many as searches do not notice)")
    private double rate = Double.POSITIVE_INFINITY;

    @Option(names = "--json", description = "the gate's report as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException, IOException {
        long chosen = List.of(rollback, cleanup, status).stream().filter(c -> c).count();
        if (chosen > 1 || (chosen == 0 && workspace.model == null)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Name a new encoder with --model DIR, or one of --rollback, --cleanup, --status.");
        }
        if (!(rate > 0)) {
            throw new ParameterException(spec.commandLine(), "--rate must be above 0 images a second.");
        }
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch.url()));
                var progress = ProgressLine.onStandardError()) {
            if (status) {
                return status(client);
            }
            var move = new Reembedding(client, setup(openSearch.url()), p -> progress.show(line(p)), progress::say);
            if (rollback) {
                SpacePlan plan = move.rollBack();
                workspace.remember(Path.of(plan.active().bundle()));
                spec.commandLine()
                        .getOut()
                        .println("searches go to " + plan.active().fingerprint() + " again");
                return 0;
            }
            if (cleanup) {
                SpacePlan plan = move.cleanUp();
                workspace.remember(Path.of(plan.active().bundle()));
                return 0;
            }
            GateReport report = move.run(present(client));
            progress.close();
            spec.commandLine().getOut().print(json ? report.json().toPrettyString() + "\n" : report.text());
            spec.commandLine().getOut().flush();
            if (!report.passed()) {
                throw new CliException("the gate refused the new encoder (" + report.refusal()
                        + "): searches stay where they were; report in " + directory()
                        + "; mend it or loosen the rules with --gate, then run the same command again");
            }
            workspace.remember(workspace.model());
            System.err.println(
                    "the way back: ./lenstream reembed --rollback; the end of it: ./lenstream reembed --cleanup");
            return 0;
        }
    }

    private Reembedding.Setup setup(String openSearch) {
        GateRules rules = gate == null ? GateRules.defaults() : ConfigReader.read(gate, GateRules.class);
        StoreConfig kept = StoreOptions.at(workspace, store);
        EmbedConfig embed = Embedding.config(workspace, 200_000_000, DataSize.ofMebibytes(64));
        return new Reembedding.Setup(
                workspace.openSearchAt(openSearch),
                workspace.layout(),
                embed,
                kept.uri(),
                kept.rules(),
                rules,
                directory(),
                LoopbackPorts.free(),
                cluster == null ? null : FlinkCluster.at(cluster),
                ClusterSubmission.jars(),
                rate,
                workspace.receiptKey());
    }

    private Path directory() {
        return workspace.data().resolve("reembed");
    }

    /** The encoder of the index that is searched. */
    private ModelBundle present(IndexClient client) {
        String index = IndexSetup.searched(client, workspace.layout())
                .orElseThrow(() -> new CliException("there is no index yet: index some images first, for example with"
                        + " ./lenstream index DIR --model " + workspace.model));
        String prefix =
                workspace.layout().imageIndex(new Fingerprint("x-1-00000000")).replace("x-1-00000000", "");
        String fingerprint = index.substring(prefix.length());
        Optional<SpacePlan> plan =
                new SpacePlans(client, workspace.layout()).read().map(SpacePlans.Kept::plan);
        // died between the switch and its record: the move still begins where it began
        if (plan.isPresent()
                && plan.get().phase() == SpacePlan.Phase.BACKFILL
                && plan.get().to().fingerprint().equals(fingerprint)) {
            fingerprint = plan.get().from().fingerprint();
        } else if (plan.isPresent() && plan.get().phase() == SpacePlan.Phase.SWITCHED) {
            ModelBundle wanted = ModelBundle.load(workspace.model());
            if (wanted.fingerprint().value().equals(plan.get().to().fingerprint())) {
                fingerprint = plan.get().from().fingerprint(); // only what is missing is filled
            }
        }
        for (Path candidate : candidates(plan)) {
            if (Files.isRegularFile(candidate.resolve("encoder.json"))) {
                ModelBundle bundle = ModelBundle.load(candidate);
                if (bundle.fingerprint().value().equals(fingerprint)) {
                    return bundle;
                }
            }
        }
        throw new CliException("the index is of encoder " + fingerprint + ": name its bundle with --from DIR");
    }

    private List<Path> candidates(Optional<SpacePlan> plan) {
        var candidates = new ArrayList<Path>();
        if (from != null) {
            candidates.add(from.toAbsolutePath().normalize());
        }
        plan.ifPresent(p -> candidates.addAll(List.of(Path.of(p.from().bundle()), Path.of(p.to().bundle()))));
        candidates.add(workspace.model(null));
        candidates.add(Workspace.home().resolve("models/lensmini"));
        return candidates;
    }

    private static String line(Reembedding.Progress p) {
        long left = p.remainingSeconds();
        return String.format(
                Locale.ROOT,
                "pass %d: %,d of %,d images  %.0f images/s  %s left",
                p.pass(),
                p.done(),
                p.documents(),
                p.perSecond(),
                left < 0 ? "?" : left < 120 ? left + " s" : left / 60 + " min");
    }

    private int status(IndexClient client) {
        var out = spec.commandLine().getOut();
        var plans = new SpacePlans(client, workspace.layout());
        Optional<SpacePlan> found = plans.read().map(SpacePlans.Kept::plan);
        if (found.isEmpty()) {
            out.println("no move to another encoder has begun");
            return 0;
        }
        SpacePlan plan = found.get();
        out.printf(
                "phase      %s since %s%s%n",
                plan.phase(),
                Instant.ofEpochMilli(plan.changedMillis()),
                plan.owner().isEmpty() ? "" : " (process " + plan.owner() + ")");
        for (Space space : List.of(plan.from(), plan.to())) {
            out.printf(
                    Locale.ROOT,
                    "%-10s %s  %,d images%s  %s%n",
                    space.equals(plan.from()) ? "from" : "to",
                    space.fingerprint(),
                    IndexCounts.images(client, workspace.layout(), new Fingerprint(space.fingerprint())),
                    space.equals(plan.active()) ? "  searched" : "",
                    space.bundle());
        }
        for (SpacePlans.Beat beat : plans.alive(System.currentTimeMillis())) {
            out.printf(
                    "%-10s %s %s%s%n",
                    beat.kind(),
                    beat.kind().equals("job") ? "writes" : "can search",
                    String.join(", ", beat.fingerprints()),
                    beat.problem().isEmpty() ? "" : "; " + beat.problem());
        }
        if (!plan.note().isEmpty()) {
            out.println("note       " + plan.note());
        }
        out.flush();
        return 0;
    }
}
