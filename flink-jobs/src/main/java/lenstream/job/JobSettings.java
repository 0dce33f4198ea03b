package lenstream.job;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import lenstream.core.config.Check;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.state.rocksdb.RocksDBConfigurableOptions;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.rocksdb.CompressionType;

/**
 * The Flink settings of every Lenstream job: checkpoints and a restart strategy on, generic types off, objects reused.
 * Source of each choice: the configuration keys of Flink 2.3; the reasons stand beside them.
 *
 * @param name of the job
 * @param parallelism of discovery, visits and writing
 * @param checkpointInterval between checkpoints; what is lost by a crash is visited again
 */
public record JobSettings(String name, int parallelism, Duration checkpointInterval) {

    static final int MAX_PARALLELISM = 128;

    public JobSettings {
        Check.notBlank("name", name);
        Check.range("parallelism", parallelism, 1, 1024);
        Check.positive("checkpoint_interval", checkpointInterval);
    }

    public static JobSettings named(String name) {
        return new JobSettings(name, 1, Duration.ofSeconds(5));
    }

    public JobSettings withParallelism(int subtasks) {
        return new JobSettings(name, subtasks, checkpointInterval);
    }

    /** What the job needs wherever it runs. */
    public Configuration configuration() {
        var conf = new Configuration();
        conf.set(PipelineOptions.NAME, name);
        conf.set(CoreOptions.DEFAULT_PARALLELISM, parallelism);
        conf.set(
                PipelineOptions.MAX_PARALLELISM,
                MAX_PARALLELISM); // fixed, so that a savepoint fits any later parallelism up to it
        conf.set(PipelineOptions.GENERIC_TYPES, false); // no Kryo: an edge's type must be one that Flink can evolve
        conf.set(PipelineOptions.OBJECT_REUSE, true); // records are immutable
        conf.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval);
        conf.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        conf.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, Duration.ofMinutes(10));
        conf.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 10); // a slow index delays a checkpoint, not the job
        // back-pressure of a slow host or index must not hold up a barrier for long
        conf.set(CheckpointingOptions.ENABLE_UNALIGNED, true);
        conf.set(CheckpointingOptions.ALIGNED_CHECKPOINT_TIMEOUT, Duration.ofSeconds(10));
        conf.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        conf.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        conf.set(StateBackendOptions.STATE_BACKEND, "rocksdb"); // known URLs live on disk, not in the heap
        holdInRocksDb(conf);
        conf.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
        conf.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, Duration.ofSeconds(1));
        conf.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofMinutes(1));
        conf.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, 10);
        return conf;
    }

    /**
     * State many times larger than its cache. Most lookups of a crawl are of URLs that are new or were written long ago:
     * filters tell of the first without a read, and index and filters in small blocks keep the second from loading those of
     * a whole file each time, which at 64 MiB a slot and some million URLs cost a hundred times the read itself. LZ4 compacts
     * in half of Snappy's time and a little smaller. Measured by VisitBenchmark, see PERFORMANCE.md.
     */
    private static void holdInRocksDb(Configuration conf) {
        conf.set(RocksDBConfigurableOptions.USE_BLOOM_FILTER, true);
        conf.set(RocksDBOptions.USE_PARTITIONED_INDEX_FILTERS, true);
        conf.set(RocksDBConfigurableOptions.COMPRESSION_PER_LEVEL, List.of(CompressionType.LZ4_COMPRESSION));
    }

    /**
     * The same for a job that runs in this JVM: checkpoints below {@code directory}, starting from the newest complete
     * one there, REST on {@code restPort} of the loopback address only.
     */
    public Configuration local(Path directory, int restPort) {
        Configuration conf = fresh(directory, restPort);
        startFrom(
                conf,
                new Checkpoints(directory.resolve("checkpoints").toAbsolutePath())
                        .newest()
                        .map(JobSettings::flinkPath)
                        .orElse(""));
        return conf;
    }

    /** As {@link #local}, but starting from nothing. */
    public Configuration fresh(Path directory, int restPort) {
        Configuration conf = configuration();
        conf.addAll(fastMetrics());
        conf.set(
                CheckpointingOptions.CHECKPOINTS_DIRECTORY,
                flinkPath(directory.resolve("checkpoints").toAbsolutePath()));
        conf.set(CoreOptions.TMP_DIRS, directory.resolve("tmp").toAbsolutePath().toString());
        conf.set(RestOptions.ADDRESS, "127.0.0.1");
        conf.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
        conf.set(RestOptions.PORT, restPort);
        conf.set(RestOptions.BIND_PORT, Integer.toString(restPort));
        return conf;
    }

    /** A folder as Flink wants it: its paths are not URL-encoded, whatever characters they hold. */
    public static String flinkPath(Path folder) {
        return "file://" + folder.toAbsolutePath().normalize();
    }

    /** Cluster settings under which {@link CrawlRun} sees changes at once instead of every ten seconds. */
    static Configuration fastMetrics() {
        var conf = new Configuration();
        conf.set(MetricOptions.METRIC_FETCHER_UPDATE_INTERVAL, Duration.ofMillis(200));
        return conf;
    }

    /** Makes the job continue from a checkpoint or savepoint; an empty path means a fresh start. */
    static void startFrom(Configuration conf, String checkpoint) {
        if (!checkpoint.isEmpty()) {
            conf.set(StateRecoveryOptions.SAVEPOINT_PATH, checkpoint);
            // an image store that was given up, deleted or brought back elsewhere leaves the state of its sink behind
            conf.set(StateRecoveryOptions.SAVEPOINT_IGNORE_UNCLAIMED_STATE, true);
            // the new job owns what it starts from, so that it is deleted once it is superseded
            conf.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        }
    }
}
