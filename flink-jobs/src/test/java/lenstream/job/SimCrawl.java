package lenstream.job;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lenstream.connector.command.CommandSource;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.SeedsFile;
import lenstream.core.config.ConfigReader;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.Fingerprint;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.websim.SimServer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Crawls a simulated web, a submission of the real job for each round, each from the savepoint of the one before. */
final class SimCrawl {
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("sim");
    private static final Fingerprint FINGERPRINT = new Fingerprint("one-1-00000000");

    private final SimServer server;
    private final URI rest;
    private final Path folder;
    private final Duration checkpointInterval;
    private final Duration backoff;
    private String revisit = "{}";
    private String savepoint = "";

    SimCrawl(SimServer server, URI rest, Path folder, Duration checkpointInterval, Duration backoff) {
        this.server = server;
        this.rest = rest;
        this.folder = folder;
        this.checkpointInterval = checkpointInterval;
        this.backoff = backoff;
    }

    /** Known images come back after this time, named or not. */
    SimCrawl revisiting(Duration interval) {
        String millis = interval.toMillis() + "ms";
        revisit = "{first: %s, shortest: %s, longest: %s}".formatted(millis, millis, millis);
        return this;
    }

    /** Runs until the frontier is dry, with so many subtasks, from where the round before ended. */
    CrawlCounts round(int number, int parallelism) throws Exception {
        server.beginRound(number);
        Seeds seeds = seeds();
        var configuration = new JobSettings("sim", parallelism, checkpointInterval).configuration();
        JobSettings.startFrom(configuration, savepoint);
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.configure(configuration);
        env.setParallelism(parallelism);
        FrontierSource sites = FrontierSource.once(seeds).withMaxParallelism(JobSettings.MAX_PARALLELISM);
        ImageIndexJob.define(
                env,
                new JobParts(
                        sites,
                        new CommandSource(OpenSearchConfig.at("http://127.0.0.1:1"), LAYOUT), // nobody commands
                        new SimIndex(Set.of(LAYOUT.imageIndex(FINGERPRINT), LAYOUT.writeAlias())),
                        seeds.fetch(),
                        EmbedConfig.defaults(Path.of("unused")),
                        LAYOUT,
                        1,
                        null,
                        null),
                OneNumberEmbedding.of(FINGERPRINT.value()));
        JobClient job = env.executeAsync("sim");
        try (var run = new CrawlRun(
                job,
                rest,
                OptionalLong.of(sites.submittedAtMillis()),
                JobSettings.flinkPath(folder),
                counts -> {},
                () -> {})) {
            CrawlRun.End end = run.await(false);
            savepoint = end.savepoint().orElseThrow().toString();
            return end.counts();
        }
    }

    private Seeds seeds() {
        String sites = IntStream.range(0, server.web().plan().sites())
                .mapToObj(site -> "{url: \"" + server.web().seed(site) + "\"}")
                .collect(Collectors.joining(",\n  "));
        Seeds seeds = Seeds.of(
                "sim",
                ConfigReader.parse(
                        "sim", """
                        sites: [%s]
                        network: {allow_private: ["127.0.0.0/8"], min_delay: %dms}
                        limits: {timeout: 20s, attempts: 6} # a moved image on hosts that flap fails once at each hop
                        revisit: %s
                        """.formatted(sites, server.web().plan().delay().toMillis(), revisit), SeedsFile.class));
        return seeds.withFetch(seeds.fetch().withBackoff(backoff));
    }
}
