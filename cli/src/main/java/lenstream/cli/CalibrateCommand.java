package lenstream.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lenstream.core.index.IndexClient;
import lenstream.core.model.Calibration;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.search.quality.BundleVectors;
import lenstream.search.quality.CalibrationFit;
import lenstream.search.quality.IndexedImages;
import lenstream.search.quality.LabelledFolder;
import lenstream.search.quality.LabelledImage;
import lenstream.search.quality.MeasuringTexts;
import lenstream.search.quality.Reliability;
import lenstream.search.quality.Separation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream calibrate}: measures an encoder's cosines and keeps the result with its bundle. */
@Command(
        name = "calibrate",
        mixinStandardHelpOptions = true,
        description = {
            "Measures what an encoder's cosines mean, on labelled images: the score from 0 to 1 for words and for"
                    + " pictures, and when nothing matches.",
            "The images are a folder's, or a sample of an index of your own with the alternative text, caption or title of"
                    + " each as its label: then chance is measured among your pictures. With --dry-run the report says how"
                    + " the calibration that the bundle has does on them.",
            "Writes calibration.json into the bundle. The fingerprint stays as it is: no index need be made anew. Search"
                    + " servers read it when they start."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream calibrate ~/models/siglip-base ~/labelled      # a folder a label",
            "  ./lenstream calibrate models/lensmini gallery --labels gallery/manifest.tsv --dry-run",
            "  ./lenstream calibrate ~/models/siglip-base --index --opensearch http://search.example:9200 --dry-run"
        })
final class CalibrateCommand implements Callable<Integer> {
    static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    @Mixin
    private IndexPlace place;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", arity = "1", paramLabel = "BUNDLE", description = "the model bundle that is measured")
    private Path bundle;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "DIR",
            description = "labelled images: a folder a label, or a labels.csv, .tsv or .jsonl with file,label")
    private @Nullable Path labelled;

    @Option(names = "--labels", paramLabel = "FILE", description = LabelledOptions.LIST)
    private @Nullable Path list;

    @Option(
            names = "--index",
            description = "instead of DIR: images of the index of --data or --opensearch, whose encoder BUNDLE is")
    private boolean index;

    @Option(
            names = "--sample",
            paramLabel = "N",
            defaultValue = "3000",
            description = "with --index: how many images are taken (default: ${DEFAULT-VALUE})")
    private int sample;

    @Option(names = "--dry-run", description = "measure and report, write nothing")
    private boolean dryRun;

    @Option(names = "--json", description = "the report as JSON")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (index == (labelled != null) || (index && list != null)) {
            throw new CliException("name a folder of labelled images (with --labels if its list lies elsewhere), or"
                    + " --index for the images of an index: one of the two");
        }
        if (sample < 1) {
            throw new CliException("--sample must be at least 1, not " + sample);
        }
        List<LabelledImage> wanted = labelled == null ? List.of() : LabelledFolder.read(labelled, list);
        try (BundleVectors vectors = BundleVectors.open(bundle);
                var progress = ProgressLine.onStandardError()) {
            LabelledVectors known = index
                    ? LabelledVectors.of(vectors, indexed(vectors.bundle().fingerprint(), progress), progress)
                    : LabelledVectors.embed(vectors, wanted, progress);
            MeasuringTexts texts = MeasuringTexts.embed(
                    vectors,
                    done -> progress.show(
                            String.format(Locale.ROOT, "embedding texts: %,d of %,d", done, MeasuringTexts.count())));
            progress.show("fitting");
            CalibrationFit.Result result = new CalibrationFit(
                            known.images(), known.vectors(), known.labels(), known.words(), texts)
                    .fit(
                            vectors.bundle().fingerprint().value(),
                            labelled == null
                                    ? "a sample of the index " + place.layout().readAlias()
                                    : LabelledOptions.source(labelled, list),
                            vectors.bundle().calibration().orElse(null));
            progress.close();
            PrintWriter out = spec.commandLine().getOut();
            try {
                out.print(json ? JSON.writeValueAsString(result) + "\n" : text(result));
                out.flush();
                if (!dryRun) {
                    write(result.calibration(), bundle.resolve(ModelBundle.CALIBRATION));
                }
            } catch (IOException e) {
                throw new CliException(
                        "cannot write " + bundle.resolve(ModelBundle.CALIBRATION) + ": " + e.getMessage(), e);
            }
            return 0;
        }
    }

    private IndexedImages indexed(Fingerprint fingerprint, ProgressLine progress) {
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(place);
                IndexClient client = IndexClient.open(place.openSearchAt(openSearch.url()))) {
            return IndexedImages.read(
                    client, place.layout(), fingerprint, sample, read -> progress.show(read + " images of the index"));
        }
    }

    /** In one step, so that a server that starts meanwhile reads the old file or the new one. */
    private static void write(Calibration calibration, Path file) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(beside, JSON.writeValueAsString(calibration) + "\n");
        Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
        System.err.println("wrote " + file);
    }

    private static String text(CalibrationFit.Result result) {
        Calibration c = result.calibration();
        var text = new StringBuilder();
        line(text, "%s, measured on %s", c.fingerprint(), String.valueOf(c.fittedOn()));
        line(text, "");
        line(
                text,
                "score of a picture for words: 1 / (1 + exp(-(%.2f cosine %+.2f)))",
                c.text().slope(),
                c.text().intercept());
        table(text, result.text());
        if (result.image() == null && c.image() != null) {
            line(text, "score of a picture for a picture: as before, for too few pictures share a label or a folder");
        } else if (c.image() != null && result.image() != null) {
            line(
                    text,
                    "score of a picture for a picture, alike by %s: 1 / (1 + exp(-(%.2f cosine %+.2f)))",
                    result.imageBy(),
                    c.image().slope(),
                    c.image().intercept());
            table(text, result.image());
        } else {
            line(
                    text,
                    "score of a picture for a picture: too few pictures share a label or a folder; a straight line stands in");
        }
        Calibration.Noise n = c.noise();
        line(
                text,
                "how far the nearest %d of N images stand out for words about something else: %.3f %+.4f ln N, spread %.3f",
                Calibration.NEAREST,
                n.location(),
                n.growth(),
                n.spread());
        for (long images : new long[] {10, 100, n.images(), 10L * n.images()}) {
            line(text, "  N = %,9d   %.3f", images, n.level(images));
        }
        line(text, "");
        line(text, "nothing matches, texts held out of the fit:");
        line(
                text,
                "  labels that find an image and match       %.3f",
                result.held().labels());
        line(
                text,
                "  things they do not show that are refused  %.3f",
                result.held().absent());
        line(
                text,
                "  nonsense and the like that is refused     %.3f",
                result.held().unseen());
        if (result.before() != null) {
            line(
                    text,
                    "  with the calibration that the bundle has: %.3f, %.3f, %.3f",
                    result.before().labels(),
                    result.before().absent(),
                    result.before().unseen());
        }
        Separation s = result.separation();
        line(
                text,
                "  labels and things told apart: AUC %.3f (%.3f to %.3f by fold); at 5 %% of the labels denied %.3f refused, at"
                        + " 10 %% %.3f",
                s.auc(),
                result.worst().auc(),
                result.best().auc(),
                s.refusedAt5(),
                s.refusedAt10());
        CalibrationFit.Result.HeldPictures pictures = result.pictures();
        if (pictures != null) {
            line(text, "");
            line(text, "nothing resembles, pictures held out of the threshold:");
            line(text, "  pictures that find one alike and match    %.3f", pictures.found());
            line(text, "  without those alike, refused              %.3f", pictures.alone());
            line(text, "  told apart: AUC %.3f", pictures.separation().auc());
        }
        return text.toString();
    }

    private static void table(StringBuilder text, Reliability reliability) {
        line(text, "  score      pairs   mean score   right (one pair in ten is)");
        for (Reliability.Bin bin : reliability.bins()) {
            if (bin.pairs() > 0) {
                line(
                        text,
                        "  %.1f-%.1f %,9d   %10.3f   %.3f",
                        bin.from(),
                        bin.from() + 0.1,
                        bin.pairs(),
                        bin.score(),
                        bin.right());
            }
        }
        line(text, "  expected calibration error %.4f", reliability.error());
        line(text, "");
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
