package lenstream.connector.warc;

import java.util.Map;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.ProgressReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.metrics.MetricGroup;

/** Flink's view of the archives of one subtask: one at a time, and then it asks for another. */
final class ArchiveReader extends ProgressReader<ArchiveStep, Arrival, ArchiveSplit, ArchiveProgress> {
    ArchiveReader(WarcSource source, SourceReaderContext context) {
        super(() -> ArchiveSplitReader.open(source), emitter(context.metricGroup()), source, context);
    }

    private static RecordEmitter<ArchiveStep, Arrival, ArchiveProgress> emitter(MetricGroup metrics) {
        var records = metrics.counter("lenstream_archive_records");
        var damaged = metrics.counter("lenstream_archive_records_damaged");
        var broken = metrics.counter("lenstream_archives_broken");
        return (step, output, progress) -> {
            step.arrivals().forEach(output::collect);
            switch (step.condition()) {
                case SOUND -> records.inc();
                case DAMAGED -> damaged.inc();
                case BROKEN -> broken.inc();
            }
            progress.advance(step);
        };
    }

    @Override
    public void start() {
        super.start();
        if (getNumberOfCurrentlyAssignedSplits() == 0) {
            context.sendSplitRequest();
        }
    }

    @Override
    protected void onSplitFinished(Map<String, ArchiveProgress> finished) {
        super.onSplitFinished(finished);
        if (getNumberOfCurrentlyAssignedSplits() == 0) {
            context.sendSplitRequest();
        }
    }

    @Override
    protected ArchiveProgress begin(ArchiveSplit split) {
        return new ArchiveProgress(split);
    }
}
