package lenstream.connector.command;

import java.util.Map;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog.Position;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;

/** Flink's view of the log: emits what was read and keeps the position for checkpoints. */
final class CommandReader
        extends SingleThreadMultiplexSourceReaderBase<
                CommandSplitReader.Entry, Command, CommandSplit, CommandReader.Progress> {
    CommandReader(
            OpenSearchConfig openSearch,
            IndexLayout layout,
            long pollMillis,
            boolean ends,
            SourceReaderContext context) {
        super(
                () -> CommandSplitReader.open(openSearch, layout, pollMillis, ends),
                emitter(context),
                new Configuration(context.getConfiguration()),
                context);
    }

    private static RecordEmitter<CommandSplitReader.Entry, Command, Progress> emitter(SourceReaderContext context) {
        var commands = context.metricGroup().counter("lenstream_commands");
        return (entry, output, progress) -> {
            output.collect(entry.command());
            commands.inc();
            progress.position = entry.position();
        };
    }

    @Override
    protected void onSplitFinished(Map<String, Progress> finished) {
        // only a source that ends by itself has an end, and then nothing is left to do
    }

    @Override
    protected Progress initializedState(CommandSplit split) {
        return new Progress(split.position());
    }

    @Override
    protected CommandSplit toSplitType(String splitId, Progress progress) {
        return new CommandSplit(progress.position);
    }

    /** Position of the last command emitted. Confined to the task thread. */
    static final class Progress {
        private Position position;

        Progress(Position position) {
            this.position = position;
        }
    }
}
