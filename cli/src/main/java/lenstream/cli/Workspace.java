package lenstream.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the commands that fill an index or embed a query for it: where it is, by which encoder. Confined to one command. */
final class Workspace extends IndexPlace {
    @Option(names = "--model", paramLabel = "DIR", description = MODEL_OPTION)
    @Nullable
    Path model;

    /** As {@link DataFolder#model(Path)}, of the person's choice. */
    Path model() {
        return model(model);
    }
}
