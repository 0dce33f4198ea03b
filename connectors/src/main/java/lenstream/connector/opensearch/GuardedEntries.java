package lenstream.connector.opensearch;

import static java.util.Objects.requireNonNull;

import lenstream.connector.command.CommandsSoFar;
import lenstream.connector.command.TakedownState;
import lenstream.core.command.Command;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.index.SpaceWatch;
import lenstream.core.takedown.Takedowns;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Makes bulk entries of the rows of a batch, but for those that a take-down covers by their URL or by what they look like:
 * of these nothing is written. The last check before the sink.
 */
public final class GuardedEntries extends BroadcastProcessFunction<ArrowBatch, Command, BulkEntry>
        implements CheckpointedFunction {
    private static final long serialVersionUID = 1;

    private final BatchToEntries entries;
    private final SpaceWatch.@Nullable Where log;
    private transient @Nullable TakedownState takedowns;
    private transient @Nullable Counter takenDown;

    /** @param log where the commands are, which a fresh start reads first; null if there are none to read */
    public GuardedEntries(BatchToEntries entries, SpaceWatch.@Nullable Where log) {
        this.entries = entries;
        this.log = log;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        TakedownState known = TakedownState.restore(context.getOperatorStateStore());
        if (!context.isRestored()) { // a replay may be over before the first command has come
            for (Command command : CommandsSoFar.read(log)) {
                known.apply(command);
            }
        }
        takedowns = known;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        // the broadcast state is always up to date
    }

    @Override
    public void open(OpenContext context) {
        entries.setRuntimeContext(getRuntimeContext());
        entries.open(context);
        takenDown = getRuntimeContext().getMetricGroup().counter("lenstream_taken_down");
    }

    @Override
    public void processElement(ArrowBatch batch, ReadOnlyContext context, Collector<BulkEntry> out) {
        Takedowns now = requireNonNull(takedowns).current();
        entries.write(batch, (row, fingerprint) -> isAllowed(now, row, fingerprint), out);
    }

    private boolean isAllowed(Takedowns now, EmbeddedImage row, String fingerprint) {
        float[] embedding = row.embedding();
        boolean covered = now.covers(row.target().url()).isPresent()
                || (embedding != null && now.covers(fingerprint, embedding).isPresent());
        if (covered) {
            requireNonNull(takenDown).inc();
        }
        return !covered;
    }

    @Override
    public void processBroadcastElement(Command command, Context context, Collector<BulkEntry> out) throws Exception {
        requireNonNull(takedowns).apply(command);
    }

    @Override
    public void close() {
        entries.close();
    }
}
