package lenstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lenstream.connector.source.FileSystems;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command, and the folders that follow from them. Confined to one command. */
sealed class DataFolder permits IndexPlace {
    static final String DEFAULT = ".lenstream";
    static final String MODEL_OPTION =
            "model bundle (default: the one that reembed moved to, else the bundled lensmini)";
    private static final String MODEL_FILE = "model";

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = DEFAULT,
            description = "where state lives; safe to delete (default: ${DEFAULT-VALUE})")
    Path data;

    @Option(names = "--no-build", description = "run what was built last, even if sources are newer")
    boolean noBuild; // for the launcher, which has read it already

    /** The checkout or installation that holds models, gallery and the service distributions. */
    static Path home() {
        String home = System.getProperty("lenstream.home");
        if (home == null) {
            throw new CliException("start this program with ./lenstream, which says where it is installed");
        }
        return Path.of(home);
    }

    Path data() {
        return data.toAbsolutePath().normalize();
    }

    /** The bundle that the person named, else the one that a move to another encoder led to, else the bundled one. */
    Path model(@Nullable Path named) {
        if (named != null) {
            return named.toAbsolutePath().normalize();
        }
        Path moved = data().resolve(MODEL_FILE);
        try {
            return Files.isRegularFile(moved)
                    ? Path.of(Files.readString(moved).strip())
                    : home().resolve("models/lensmini");
        } catch (IOException e) {
            throw new CliException("cannot read " + moved + ": " + e.getMessage(), e);
        }
    }

    /** Later commands use this bundle unless they are told another. */
    void remember(Path bundle) {
        try {
            Files.createDirectories(data());
            Files.writeString(data().resolve(MODEL_FILE), bundle.toAbsolutePath() + "\n");
        } catch (IOException e) {
            throw new CliException("cannot write " + data().resolve(MODEL_FILE) + ": " + e.getMessage(), e);
        }
    }

    /** Makes the file systems known that {@code ./lenstream add} fetched, or those of {@code FLINK_PLUGINS_DIR}. */
    void loadFileSystems() {
        Path plugins = plugins();
        try {
            FileSystems.load(plugins, System.getenv());
        } catch (IOException e) {
            throw new CliException("cannot read the plugins in " + plugins + ": " + e.getMessage(), e);
        }
    }

    /** Where file systems lie, each in a folder of its own; need not exist. */
    Path plugins() {
        String named = System.getenv(FileSystems.PLUGINS);
        return named == null ? home().resolve("infra/extras/target/plugins") : Path.of(named);
    }

    /** What the program writes for whoever looks for the reason of something. */
    Path logs() {
        return data().resolve("logs");
    }

    Path openSearchDistribution() {
        return home().resolve("infra/opensearch/target/opensearch");
    }

    Path flinkDistribution() {
        return home().resolve("infra/flink/target/flink");
    }

    Path openSearchRun() {
        return data().resolve("opensearch");
    }

    Path flinkRun() {
        return data().resolve("flink");
    }

    /** The key that signs receipts of take-downs. */
    Path receiptKey() {
        return data().resolve("receipt-key");
    }

    Path apiRun() {
        return data().resolve("api");
    }

    /** Checkpoints and temporary files of one job. */
    Path jobDirectory(String job) {
        return jobsDirectory().resolve(job);
    }

    /** The folders of all jobs. */
    Path jobsDirectory() {
        return data().resolve("jobs");
    }
}
