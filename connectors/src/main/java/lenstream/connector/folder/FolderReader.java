package lenstream.connector.folder;

import lenstream.connector.source.ProgressReader;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.metrics.MetricGroup;

/** Flink's view of the folders of one subtask. */
final class FolderReader extends ProgressReader<FolderStep, CrawlTarget, FolderSplit, FolderProgress> {
    FolderReader(FolderSource source, SourceReaderContext context) {
        super(() -> new FolderSplitReader(source), emitter(context.metricGroup()), source, context);
    }

    private static RecordEmitter<FolderStep, CrawlTarget, FolderProgress> emitter(MetricGroup metrics) {
        var found = metrics.counter("lenstream_found");
        var failed = metrics.counter("lenstream_discovery_failed");
        return (step, output, progress) -> {
            if (step.failed()) {
                failed.inc();
                return;
            }
            if (step.target() != null) {
                output.collect(step.target());
                found.inc();
            }
            progress.advance(step);
        };
    }

    @Override
    protected FolderProgress begin(FolderSplit split) {
        return new FolderProgress(split);
    }
}
