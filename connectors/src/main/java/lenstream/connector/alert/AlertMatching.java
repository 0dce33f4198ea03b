package lenstream.connector.alert;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.function.Predicate;
import lenstream.connector.command.CommandsSoFar;
import lenstream.connector.command.TakedownState;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.alert.AlertMatch;
import lenstream.core.alert.AlertRules;
import lenstream.core.command.Command;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.SpaceWatch;
import lenstream.core.takedown.Takedowns;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Compares every new or changed image with the alerts and emits a document for each match, but for what is taken down. The
 * document's id is made of alert and image and its version is the observation's, so that a replay repeats itself. An image
 * that was found unchanged never comes here.
 *
 * <p>Metrics: gauge {@code lenstream_alerts} = rules in force; {@code lenstream_alert_compared} = images compared, {@code
 * lenstream_alert_matches} = matches, {@code lenstream_alert_micros} = what comparing took, reading the batch included.
 */
public final class AlertMatching extends BroadcastProcessFunction<ArrowBatch, Command, BulkEntry>
        implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    /** A batch is a few MiB; reading one that needs more than this is a fault. */
    private static final long MEMORY_BYTES = 1L << 30;

    private final IndexLayout layout;
    private final SpaceWatch.@Nullable Where log;

    private transient @Nullable AlertState alerts;
    private transient @Nullable TakedownState takedowns;
    private transient @Nullable BufferAllocator allocator;
    private transient @Nullable Counter compared;
    private transient @Nullable Counter matched;
    private transient @Nullable Counter micros;

    /** @param log where the commands are, which a fresh start reads first; null if there are none to read */
    public AlertMatching(IndexLayout layout, SpaceWatch.@Nullable Where log) {
        this.layout = layout;
        this.log = log;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        AlertState known = AlertState.restore(context.getOperatorStateStore());
        TakedownState down = TakedownState.restore(context.getOperatorStateStore());
        if (!context.isRestored()) {
            for (Command command : CommandsSoFar.read(log)) {
                known.apply(command);
                down.apply(command);
            }
        }
        alerts = known;
        takedowns = down;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        // the broadcast states are always up to date
    }

    @Override
    public void open(OpenContext context) {
        allocator = new RootAllocator(MEMORY_BYTES);
        var metrics = getRuntimeContext().getMetricGroup();
        compared = metrics.counter("lenstream_alert_compared");
        matched = metrics.counter("lenstream_alert_matches");
        micros = metrics.counter("lenstream_alert_micros");
        AlertRules rules = requireNonNull(alerts).current();
        metrics.gauge("lenstream_alerts", (Gauge<Integer>) rules::size);
    }

    @Override
    public void processElement(ArrowBatch batch, ReadOnlyContext context, Collector<BulkEntry> out) {
        AlertRules rules = requireNonNull(alerts).current();
        if (rules.size() == 0) {
            return;
        }
        long began = System.nanoTime();
        ArrowBatch.Contents contents = batch.read(requireNonNull(allocator));
        Takedowns down = requireNonNull(takedowns).current();
        Predicate<EmbeddedImage> allowed = image -> !isDown(down, image, contents.fingerprint());
        for (AlertMatch match : rules.match(contents.fingerprint(), contents.rows(), allowed, Instant.now())) {
            requireNonNull(matched).inc();
            out.collect(BulkEntry.index(layout.matchIndex(), match.id(), match.observedAtMillis(), match.json(), 0));
        }
        requireNonNull(compared).inc(contents.rows().size());
        requireNonNull(micros).inc((System.nanoTime() - began) / 1_000);
    }

    private static boolean isDown(Takedowns down, EmbeddedImage image, String fingerprint) {
        float[] embedding = image.embedding();
        return down.covers(image.target().url()).isPresent()
                || (embedding != null && down.covers(fingerprint, embedding).isPresent());
    }

    @Override
    public void processBroadcastElement(Command command, Context context, Collector<BulkEntry> out) throws Exception {
        requireNonNull(alerts).apply(command);
        requireNonNull(takedowns).apply(command);
    }

    @Override
    public void close() {
        if (allocator != null) {
            allocator.close();
            allocator = null;
        }
    }
}
