package lenstream.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lenstream.connector.source.FileSystems;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every command shares, and the folders that follow from them. Confined to one command. */
final class Workspace {
    static final String DEFAULT_DATA = ".lenstream";
    private static final String MODEL_FILE = "model";

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = DEFAULT_DATA,
            description = "where state lives; safe to delete (default: ${DEFAULT-VALUE})")
    Path data;

    @Option(
            names = "--opensearch",
            paramLabel = "URL",
            description = "use this cluster instead of a local one; user and password come from the environment:"
                    + " LENSTREAM_OPENSEARCH_USER, LENSTREAM_OPENSEARCH_PASSWORD")
    @Nullable
    URI openSearch;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "model bundle (default: the one that reembed moved to, else the bundled lensmini)")
    @Nullable
    Path model;

    @Option(
            names = "--prefix",
            paramLabel = "NAME",
            defaultValue = "lenstream",
            description = "first part of every index name (default: ${DEFAULT-VALUE})")
    String prefix;

    @Option(names = "--no-build", description = "run what was built last, even if sources are newer")
    boolean noBuild;

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
    Path model() {
        if (model != null) {
            return model.toAbsolutePath().normalize();
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

    IndexLayout layout() {
        return IndexLayout.withPrefix(prefix);
    }

    /** Makes the file systems known that {@code ./lenstream add} fetched, or those of {@code FLINK_PLUGINS_DIR}. */
    void loadFileSystems() {
        String named = System.getenv("FLINK_PLUGINS_DIR");
        Path plugins = named == null ? home().resolve("infra/extras/target/plugins") : Path.of(named);
        try {
            FileSystems.load(plugins, System.getenv());
        } catch (IOException e) {
            throw new CliException("cannot read the plugins in " + plugins + ": " + e.getMessage(), e);
        }
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

    OpenSearchConfig openSearchAt(String url) {
        String user = System.getenv("LENSTREAM_OPENSEARCH_USER");
        String password = System.getenv("LENSTREAM_OPENSEARCH_PASSWORD");
        OpenSearchConfig plain = OpenSearchConfig.at(url);
        return user == null
                ? plain
                : new OpenSearchConfig(
                        List.of(url),
                        user,
                        new Secret(password == null ? "" : password),
                        plain.connectTimeout(),
                        plain.requestTimeout(),
                        plain.gzip());
    }
}
