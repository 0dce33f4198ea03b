package lenstream.connector.folder;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.jspecify.annotations.Nullable;

/** Flink's view of the folders of one subtask. */
final class FolderReader
        extends SingleThreadMultiplexSourceReaderBase<FolderStep, CrawlTarget, FolderSplit, FolderProgress> {
    private final Map<String, FolderProgress> folders = new ConcurrentHashMap<>();
    private volatile boolean assigned;

    FolderReader(@Nullable String captionsFile, SourceReaderContext context) {
        super(
                () -> new FolderSplitReader(captionsFile),
                emitter(context.metricGroup().counter("lenstream_found")),
                new Configuration(context.getConfiguration()),
                context);
    }

    private static RecordEmitter<FolderStep, CrawlTarget, FolderProgress> emitter(Counter found) {
        return (step, output, progress) -> {
            if (step.target() != null) {
                output.collect(step.target());
                found.inc();
            }
            progress.advance(step);
        };
    }

    @Override
    public void start() {
        context.metricGroup().setPendingRecordsGauge(this::pending);
        context.metricGroup().<Integer, Gauge<Integer>>gauge("lenstream_sites_dry", () -> isDry() ? 1 : 0);
        super.start();
    }

    private boolean isDry() {
        return assigned && pending() == 0;
    }

    /** Folders not yet read to their end: how many files they hold is not known before. */
    private long pending() {
        return folders.values().stream()
                .filter(progress -> !progress.split().done())
                .count();
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
        if (event instanceof FoldersAssigned) {
            assigned = true;
        } else {
            super.handleSourceEvents(event);
        }
    }

    @Override
    protected void onSplitFinished(Map<String, FolderProgress> finished) {
        finished.keySet().forEach(folders::remove);
    }

    @Override
    protected FolderProgress initializedState(FolderSplit split) {
        var progress = new FolderProgress(split);
        folders.put(split.splitId(), progress);
        return progress;
    }

    @Override
    protected FolderSplit toSplitType(String splitId, FolderProgress progress) {
        return progress.split();
    }
}
