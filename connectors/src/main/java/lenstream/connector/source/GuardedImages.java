package lenstream.connector.source;

import static java.util.Objects.requireNonNull;

import lenstream.connector.command.CommandsSoFar;
import lenstream.connector.command.TakedownState;
import lenstream.core.command.Command;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.SpaceWatch;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Leaves out images that a take-down covers, before they are kept or embedded: images that are fetched are asked for by the
 * visit operator, those that come with their bytes by nobody else.
 */
public final class GuardedImages extends BroadcastProcessFunction<FetchedImage, Command, FetchedImage>
        implements CheckpointedFunction {
    private static final long serialVersionUID = 1;

    private final SpaceWatch.@Nullable Where log;
    private transient @Nullable TakedownState takedowns;
    private transient @Nullable Counter takenDown;
    private transient @Nullable Counter fetched;

    /** @param log of commands, read once at a fresh start; null for none */
    public GuardedImages(SpaceWatch.@Nullable Where log) {
        this.log = log;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        TakedownState restored = TakedownState.restore(context.getOperatorStateStore());
        if (!context.isRestored()) {
            for (Command command : CommandsSoFar.read(log)) {
                restored.apply(command);
            }
        }
        takedowns = restored;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        // the broadcast state is always up to date
    }

    @Override
    public void open(OpenContext context) {
        var metrics = getRuntimeContext().getMetricGroup();
        takenDown = metrics.counter("lenstream_taken_down");
        fetched = metrics.counter("lenstream_fetched");
    }

    @Override
    public void processElement(FetchedImage image, ReadOnlyContext context, Collector<FetchedImage> out) {
        if (requireNonNull(takedowns).current().covers(image.target().url()).isPresent()) {
            requireNonNull(takenDown).inc();
            requireNonNull(fetched).dec(); // it counted when it arrived, and will not be embedded
        } else {
            out.collect(image);
        }
    }

    @Override
    public void processBroadcastElement(Command command, Context context, Collector<FetchedImage> out)
            throws Exception {
        requireNonNull(takedowns).apply(command);
    }
}
