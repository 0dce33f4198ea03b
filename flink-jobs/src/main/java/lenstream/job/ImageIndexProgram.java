package lenstream.job;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import lenstream.connector.command.CommandSource;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.opensearch.OpenSearchSink;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.SpaceWatch;
import lenstream.core.model.ModelBundle;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The index job as Flink starts it: {@code ImageIndexProgram --config index.yaml}, in application mode or with {@code
 * flink run}. It follows its sites for ever, each on its interval; Flink stops it (with a savepoint) and starts it again.
 * With {@code --check} it only says whether it accepts its files.
 *
 * <p>What Flink's own configuration sets comes first; {@link JobSettings} fills in what the job needs beyond.
 */
public final class ImageIndexProgram {
    private static final String USAGE = "usage: ImageIndexProgram [--config FILE] [--check]";
    private static final String DEFAULT_FILE = "/etc/lenstream/index.yaml";
    private static final Duration INDEX_LIMIT = Duration.ofMinutes(2);

    private ImageIndexProgram() {}

    /**
     * @throws ConfigException with every problem of the files; Flink reports it as the reason why the job did not start
     */
    public static void main(String[] args) throws Exception {
        List<String> words = Arrays.asList(args);
        if (words.contains("--help")) {
            System.out.println(USAGE);
            return;
        }
        Path file = file(words);
        if (!words.contains("--check")) {
            run(file);
            return;
        }
        try {
            IndexSettings settings = ConfigReader.read(file, IndexSettings.class);
            Seeds seeds = Seeds.read(settings.seeds());
            settings.embedConfig(seeds);
            ModelBundle bundle = ModelBundle.load(settings.bundle());
            settings.checkOcr();
            System.out.println(file + " is accepted, with " + seeds.sites().size() + " site(s) and encoder "
                    + bundle.fingerprint());
        } catch (ConfigException e) {
            System.err.println(e.getMessage());
            System.exit(1); // a check runs in a JVM of its own
        }
    }

    private static Path file(List<String> words) {
        int config = words.indexOf("--config");
        long known =
                (config < 0 ? 0 : 2) + words.stream().filter("--check"::equals).count();
        if (known != words.size() || (config >= 0 && config + 1 >= words.size())) {
            throw new IllegalArgumentException(USAGE + ", not: " + String.join(" ", words));
        }
        return Path.of(config < 0 ? DEFAULT_FILE : words.get(config + 1));
    }

    private static void run(Path file) throws Exception {
        IndexSettings settings = ConfigReader.read(file, IndexSettings.class);
        Seeds seeds = Seeds.read(settings.seeds());
        ModelBundle bundle = ModelBundle.load(settings.bundle());
        settings.checkOcr();
        try (IndexClient client = IndexClient.open(settings.openSearch())) {
            IndexSetup.prepare(
                    client,
                    settings.index(),
                    bundle.fingerprint(),
                    bundle.encoder().dim(),
                    INDEX_LIMIT);
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        Configuration missing = missing(
                JobSettings.named(settings.name()).configuration(),
                env.getConfiguration().toMap());
        env.configure(missing);
        int maxParallelism = env.getConfiguration().get(PipelineOptions.MAX_PARALLELISM);
        ImageIndexJob.define(
                env,
                new JobParts(
                        Intake.following(seeds, FrontierSource.follow(seeds).withMaxParallelism(maxParallelism)),
                        new CommandSource(settings.openSearch(), settings.index()),
                        new OpenSearchSink(settings.openSearch(), settings.index(), settings.bulk(), settings.ledger()),
                        seeds.fetch(),
                        settings.embedConfig(seeds),
                        settings.index(),
                        settings.embed().parallelism(),
                        settings.store(),
                        new SpaceWatch.Where(settings.openSearch(), settings.index()),
                        settings.ocrConfig()));
        env.execute(settings.name());
    }

    /** The settings that Flink's own configuration leaves open. */
    static Configuration missing(Configuration wanted, Map<String, String> set) {
        Configuration rest = wanted.clone();
        set.keySet().forEach(rest::removeKey);
        return rest;
    }
}
