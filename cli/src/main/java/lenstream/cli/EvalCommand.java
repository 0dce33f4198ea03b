package lenstream.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lenstream.search.quality.BundleVectors;
import lenstream.search.quality.Evaluation;
import lenstream.search.quality.ExactSearch;
import lenstream.search.quality.LabelledImage;
import lenstream.search.quality.Retrieval;
import lenstream.search.quality.Separation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lenstream eval}: retrieval quality on labelled images. */
@Command(
        name = "eval",
        mixinStandardHelpOptions = true,
        description = {
            "Measures how well labelled images are found: by their labels, by pictures like them, and whether a search"
                    + " for what is not there says so.",
            "Embeds and compares in this process with the bundle (--model), or asks a running API whose index holds the"
                    + " images (--api)."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream eval ~/labelled                          # a folder a label",
            "  ./lenstream eval gallery --labels gallery/manifest.tsv --negatives gallery/absent.txt",
            "  ./lenstream eval ~/labelled --api http://127.0.0.1:8080 --json",
            "",
            "R@k: share of queries with something right among the first k. P@10: right ones among the first ten, or",
            "among as many as there are. mAP: mean average precision of the first 100."
        })
final class EvalCommand implements Callable<Integer> {
    @Mixin
    private DataFolder folder;

    @Option(names = "--model", paramLabel = "DIR", description = DataFolder.MODEL_OPTION)
    private @Nullable Path model;

    @Mixin
    private LabelledOptions labelled;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--negatives",
            paramLabel = "FILE",
            description = "texts that none of the images fits, one a line; measures nothing_matches")
    private @Nullable Path negatives;

    @Option(
            names = {"--api", "--url"},
            paramLabel = "URL",
            description = "ask this API instead of comparing here")
    private @Nullable URI url;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "${env:LENSTREAM_TOKEN:-}",
            showDefaultValue = Help.Visibility.NEVER,
            description = ApiOptions.TOKEN)
    private String token = "";

    @Option(names = "--text-only", description = "ask by words alone")
    private boolean textOnly;

    @Option(names = "--json", description = "the figures as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        List<LabelledImage> wanted = labelled.read();
        List<String> absent = negatives == null ? List.of() : lines(negatives);
        try (var progress = ProgressLine.onStandardError()) {
            Evaluation.Report report =
                    url == null ? here(wanted, absent, progress) : there(url, wanted, absent, progress);
            progress.close();
            PrintWriter out = spec.commandLine().getOut();
            out.print(json ? CalibrateCommand.JSON.writeValueAsString(report) + "\n" : text(report));
            out.flush();
            return 0;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of numbers
        }
    }

    private Evaluation.Report here(List<LabelledImage> wanted, List<String> absent, ProgressLine progress)
            throws InterruptedException {
        try (BundleVectors bundle = BundleVectors.open(folder.model(model))) {
            LabelledVectors known = LabelledVectors.embed(bundle, wanted, progress);
            if (known.images().isEmpty()) {
                throw new CliException("none of the " + wanted.size() + " files can be read as an image");
            }
            List<float[]> nothings =
                    bundle.ofTexts(absent, done -> progress.show("embedding texts: " + done + " of " + absent.size()));
            var search = new ExactSearch(known.vectors(), bundle.bundle().relevance());
            search.know(known.labels(), known.words());
            search.know(absent, nothings);
            var evaluation = new Evaluation(known.images(), known.labels(), search, progress::show);
            return evaluation.run(absent, evaluation.imageToText(known.vectors(), known.words()), !textOnly);
        }
    }

    private Evaluation.Report there(URI api, List<LabelledImage> wanted, List<String> absent, ProgressLine progress)
            throws InterruptedException {
        try (var client = new ApiClient(api, token)) {
            var search = new IndexedSearch(client, wanted);
            return new Evaluation(wanted, LabelledVectors.labels(wanted), search, progress::show)
                    .run(absent, null, !textOnly);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .distinct()
                    .toList();
        } catch (IOException e) {
            throw new CliException(file + " cannot be read; name a file with a text a line", e);
        }
    }

    private static String text(Evaluation.Report report) {
        var text = new StringBuilder();
        line(text, "%,d images, %,d labels", report.images(), report.labels());
        line(text, "                queries    R@1    R@5   R@10   P@10    mAP");
        row(text, "text to image", report.textToImage());
        row(text, "image to text", report.imageToText());
        row(text, "image to image", report.imageToImage());
        line(text, "images among the first ten for their own label: %.3f", report.ownImage());
        Evaluation.Nothing nothing = report.nothing();
        if (nothing != null) {
            line(
                    text,
                    "nothing matches: said of %d of %d texts that nothing fits, of %d of %d labels (of %d of the %d that"
                            + " find an image of theirs among the first ten); precision %.3f, recall %.3f, F1 %.3f",
                    nothing.refused(),
                    nothing.absent(),
                    nothing.denied(),
                    nothing.present(),
                    nothing.foundDenied(),
                    nothing.found(),
                    nothing.precision(),
                    nothing.recall(),
                    nothing.f1());
            Separation separation = nothing.separation();
            if (separation != null) {
                line(
                        text,
                        "  told apart whatever the threshold: AUC %.3f; refused %.3f where 5 %% of the labels that find an"
                                + " image are denied, %.3f where 10 %% are",
                        separation.auc(),
                        separation.refusedAt5(),
                        separation.refusedAt10());
            }
        }
        return text.toString();
    }

    private static void row(StringBuilder text, String name, @Nullable Retrieval r) {
        if (r != null) {
            line(
                    text,
                    "%-14s %,8d  %.3f  %.3f  %.3f  %.3f  %.3f",
                    name,
                    r.queries(),
                    r.recall1(),
                    r.recall5(),
                    r.recall10(),
                    r.precision10(),
                    r.map());
        }
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
