package lenstream.job;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import lenstream.connector.command.CommandSource;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.OpenSearchSink;
import lenstream.connector.store.StoreConfig;
import lenstream.core.image.CrawlTarget;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.SpaceWatch;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * An index job from its parts to its end, in this JVM or on a cluster: prepares the indices, submits the topology and
 * hands out the {@link CrawlRun} that accompanies it.
 *
 * @param intake what to index
 * @param fetch how to fetch
 * @param embed how to embed; its bundle decides the index
 * @param openSearch where the documents go
 * @param layout names and mapping of the indices
 * @param settings Flink's side
 * @param store where fetched images are kept; null keeps none
 * @param ocr how words in pictures are read; null if nobody does
 */
public record IndexRun(
        Intake intake,
        FetchConfig fetch,
        EmbedConfig embed,
        OpenSearchConfig openSearch,
        IndexLayout layout,
        JobSettings settings,
        @Nullable StoreConfig store,
        @Nullable OcrConfig ocr) {

    /** The same with a source of targets alone, and without words. */
    public IndexRun(
            Source<CrawlTarget, ?, ?> source,
            FetchConfig fetch,
            EmbedConfig embed,
            OpenSearchConfig openSearch,
            IndexLayout layout,
            JobSettings settings,
            @Nullable StoreConfig store) {
        this(Intake.of(source), fetch, embed, openSearch, layout, settings, store, null);
    }

    private static final Duration INDEX_LIMIT = Duration.ofSeconds(60);

    /**
     * Starts the job in this JVM. It continues from the newest complete checkpoint that was made for this very index:
     * what is known of URLs is true for one index only, and one that was deleted, or lies on another cluster or under
     * another prefix, knows none of them.
     *
     * @param directory of this job: checkpoints, savepoints, temporary files; used by one run at a time
     * @param restPort free port for Flink's REST interface on the loopback address
     * @param listener gets the counts while {@link CrawlRun#await} runs
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the run closes the lock
    public CrawlRun startHere(Path directory, int restPort, Consumer<CrawlCounts> listener) {
        JobLock lock = JobLock.take(directory);
        boolean started = false;
        try {
            Path state = directory.resolve(prepareIndices());
            Files.createDirectories(state.resolve("checkpoints"));
            Files.createDirectories(state.resolve("tmp"));
            Configuration configuration = settings.local(state, restPort);
            var env = StreamExecutionEnvironment.createLocalEnvironment(settings.parallelism(), configuration);
            CrawlRun run = submit(
                    env,
                    URI.create("http://127.0.0.1:" + restPort),
                    JobSettings.flinkPath(state.resolve("checkpoints")),
                    listener,
                    lock);
            started = true;
            return run;
        } catch (IOException e) {
            throw new JobFailedException("cannot write below " + directory + ": " + e.getMessage(), e);
        } finally {
            if (!started) {
                lock.close();
            }
        }
    }

    /**
     * Submits the job to a cluster.
     *
     * @param savepoint to start from; empty for none
     * @param savepoints where the final savepoint goes; a path that the cluster can write to
     * @param jars the program's own code, which travels with the job
     */
    @MustBeClosed
    public CrawlRun startOn(
            String host,
            int port,
            String savepoint,
            String savepoints,
            List<Path> jars,
            Consumer<CrawlCounts> listener) {
        prepareIndices();
        Configuration configuration = settings.configuration();
        JobSettings.startFrom(configuration, savepoint);
        String[] files = jars.stream().map(Path::toString).toArray(String[]::new);
        var env = StreamExecutionEnvironment.createRemoteEnvironment(host, port, configuration, files);
        return submit(env, URI.create("http://" + host + ":" + port), savepoints, listener, () -> {});
    }

    /** @return the identity of the image index */
    private String prepareIndices() {
        ModelBundle bundle = ModelBundle.load(Path.of(embed.pipeline().bundle()));
        try (IndexClient client = IndexClient.open(openSearch)) {
            return IndexSetup.prepare(
                    client, layout, bundle.fingerprint(), bundle.encoder().dim(), INDEX_LIMIT);
        }
    }

    @MustBeClosed
    private CrawlRun submit(
            StreamExecutionEnvironment env,
            URI rest,
            String savepoints,
            Consumer<CrawlCounts> listener,
            AutoCloseable held) {
        env.setParallelism(settings.parallelism());
        var sink = new OpenSearchSink(openSearch, layout, BulkConfig.defaults());
        ImageIndexJob.define(
                env,
                new JobParts(
                        intake,
                        intake.ends() // a job that ends must not wait for commands
                                ? CommandSource.untilNow(openSearch, layout)
                                : new CommandSource(openSearch, layout),
                        sink,
                        fetch,
                        embed,
                        layout,
                        1,
                        store,
                        new SpaceWatch.Where(openSearch, layout),
                        ocr));
        try {
            JobClient client = env.executeAsync(settings.name());
            return new CrawlRun(client, rest, intake.submittedAtMillis(), savepoints, listener, held);
        } catch (Exception e) {
            throw JobFailedException.rootOf(e);
        }
    }
}
