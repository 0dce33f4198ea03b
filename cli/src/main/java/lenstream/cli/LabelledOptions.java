package lenstream.cli;

import java.nio.file.Path;
import java.util.List;
import lenstream.search.quality.LabelledFolder;
import lenstream.search.quality.LabelledImage;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where a command finds labelled images. Confined to one command. */
final class LabelledOptions {
    static final String LIST =
            "the list of labels (.csv, .tsv, .jsonl; columns file and label or caption), if it is not"
                    + " DIR/labels.*";

    @Parameters(
            arity = "1",
            paramLabel = "DIR",
            description = "labelled images: a folder a label, or a labels.csv, .tsv or .jsonl with file,label")
    private Path folder;

    @Option(names = "--labels", paramLabel = "FILE", description = LIST)
    private @Nullable Path list;

    List<LabelledImage> read() {
        return LabelledFolder.read(folder, list);
    }

    /** What labels are read from, for people. */
    static String source(Path folder, @Nullable Path list) {
        String name = folder.toAbsolutePath().normalize().getFileName().toString();
        return list == null ? name : name + " by " + list.getFileName();
    }
}
