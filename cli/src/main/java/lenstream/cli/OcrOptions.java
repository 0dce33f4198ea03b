package lenstream.cli;

import java.nio.file.Path;
import lenstream.core.model.OcrBundle;
import lenstream.gpu.operator.OcrConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether a command reads the words in pictures. Confined to one command. */
final class OcrOptions {
    @Option(
            names = "--ocr",
            description =
                    "read the words in new and changed pictures, which searches then find; a picture takes tens of"
                            + " milliseconds of a processor, several times what embedding takes (first: ./lenstream add ocr)")
    private boolean wanted;

    @Option(
            names = "--ocr-model",
            paramLabel = "DIR",
            description = "read words with this model, a folder with an ocr.json (default: the one that was added)")
    private @Nullable Path model;

    @Option(
            names = "--ocr-parallelism",
            paramLabel = "N",
            converter = AtLeastOne.class,
            description = "pictures read at once (default: the number of processors)")
    private @Nullable Integer readers;

    /** How words are read, its model checked; null if they are not. */
    @Nullable
    OcrConfig config() {
        if (!wanted && model == null) {
            if (readers != null) {
                throw new CliException("--ocr-parallelism goes with --ocr");
            }
            return null;
        }
        Path folder = model == null ? added() : model;
        OcrBundle.load(folder);
        return OcrConfig.of(folder, readers == null ? Runtime.getRuntime().availableProcessors() : readers);
    }

    /** Where {@code ./lenstream add ocr} puts its model. */
    private static Path added() {
        return Workspace.home().resolve("infra/extras/target/models/ocr");
    }
}
