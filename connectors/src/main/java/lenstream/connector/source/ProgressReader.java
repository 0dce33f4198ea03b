package lenstream.connector.source;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.metrics.Gauge;

/**
 * A reader that keeps the progress of its splits for checkpoints and reports it: Flink's {@code pendingRecords}, and the
 * gauge {@code lenstream_sites_dry}, which is 1 once it holds every split that it will be given and all have said all. Then
 * it sends the watermark of its {@link Submission} behind the last record, once.
 *
 * @param <E> a step, made on the fetcher thread and applied to the progress where it is emitted
 * @param <T> what the source emits
 * @param <S> the split
 * @param <P> its progress
 */
public abstract class ProgressReader<E, T, S extends SourceSplit, P extends SplitProgress<S>>
        extends SingleThreadMultiplexSourceReaderBase<E, T, S, P> {
    private final Map<String, P> splits = new ConcurrentHashMap<>();
    private final Submission submission;
    /** Completed when the splits are assigned: a reader that gets none has nothing else to wake it for its watermark. */
    private final CompletableFuture<Void> whenAssigned = new CompletableFuture<>();

    private volatile boolean assigned;
    private boolean hasSaidAll;

    protected ProgressReader(
            Supplier<SplitReader<E, S>> fetcher,
            RecordEmitter<E, T, P> emitter,
            Submission submission,
            SourceReaderContext context) {
        super(fetcher, emitter, new Configuration(context.getConfiguration()), context);
        this.submission = submission;
    }

    /** Where a split stands when the reader gets it. */
    protected abstract P begin(S split);

    /** What is to come beyond the splits' own. */
    protected long pendingBeside() {
        return 0;
    }

    @Override
    public void start() {
        context.metricGroup().setPendingRecordsGauge(this::pending);
        context.metricGroup().<Integer, Gauge<Integer>>gauge("lenstream_sites_dry", () -> isDry() ? 1 : 0);
        super.start();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
        InputStatus status = super.pollNext(output);
        if (!hasSaidAll && isDry()) {
            output.emitWatermark(new Watermark(submission.submittedAtMillis()));
            hasSaidAll = true;
        }
        return status;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        CompletableFuture<Void> records = super.isAvailable();
        if (records.isDone() || (assigned && (hasSaidAll || !isDry()))) {
            return records; // splits that are held become dry by records
        }
        return CompletableFuture.anyOf(records, whenAssigned).thenAccept(any -> {});
    }

    private boolean isDry() {
        return assigned && splits.values().stream().allMatch(SplitProgress::isDry);
    }

    private long pending() {
        return pendingBeside()
                + splits.values().stream().mapToLong(SplitProgress::pending).sum();
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
        if (event instanceof SplitsAssigned) {
            assigned = true;
            whenAssigned.complete(null);
        } else {
            super.handleSourceEvents(event);
        }
    }

    @Override
    protected void onSplitFinished(Map<String, P> finished) {
        finished.keySet().forEach(splits::remove);
    }

    @Override
    protected final P initializedState(S split) {
        P progress = begin(split);
        splits.put(split.splitId(), progress);
        return progress;
    }

    @Override
    protected final S toSplitType(String splitId, P progress) {
        return progress.split();
    }
}
