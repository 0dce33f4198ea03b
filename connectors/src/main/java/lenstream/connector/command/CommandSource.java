package lenstream.connector.command;

import java.util.Collection;
import java.util.List;
import lenstream.connector.source.OwnedSplits;
import lenstream.connector.source.SplitListSerializer;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog.Position;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SupportsSplitReassignmentOnRecovery;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Tails the command log: first every command that it holds, then each new one within {@code pollMillis}. One split, which
 * keeps its position; run it with parallelism 1. A command comes once an attempt and again after a failure, in the order
 * of the log. An index that does not answer is waited for. {@link #untilNow} ends instead of waiting for the next
 * command, for jobs that end. Immutable.
 */
public final class CommandSource
        implements Source<Command, CommandSplit, List<CommandSplit>>, SupportsSplitReassignmentOnRecovery {
    /** How soon a command is seen. A look that finds nothing new is one small request, answered from memory. */
    public static final long POLL_MILLIS = 500;

    private static final long serialVersionUID = 1;

    /** One split, for the one reader. */
    private static final OwnedSplits.Plan<CommandSplit> THE_LOG = new OwnedSplits.Plan<>() {
        @Override
        public Collection<String> ids() {
            return List.of(CommandSplit.ID);
        }

        @Override
        public int owner(String id, int parallelism) {
            return 0;
        }

        @Override
        public CommandSplit split(String id, @Nullable CommandSplit before) {
            return before == null ? new CommandSplit(Position.START) : before;
        }
    };

    private final OpenSearchConfig openSearch;
    private final IndexLayout layout;
    private final long pollMillis;
    private final Boundedness boundedness;

    public CommandSource(OpenSearchConfig openSearch, IndexLayout layout) {
        this(openSearch, layout, POLL_MILLIS);
    }

    CommandSource(OpenSearchConfig openSearch, IndexLayout layout, long pollMillis) {
        this(openSearch, layout, pollMillis, Boundedness.CONTINUOUS_UNBOUNDED);
    }

    private CommandSource(OpenSearchConfig openSearch, IndexLayout layout, long pollMillis, Boundedness boundedness) {
        this.openSearch = openSearch;
        this.layout = layout;
        this.pollMillis = pollMillis;
        this.boundedness = boundedness;
    }

    /** Every command that the log holds, and no later one. */
    public static CommandSource untilNow(OpenSearchConfig openSearch, IndexLayout layout) {
        return new CommandSource(openSearch, layout, POLL_MILLIS, Boundedness.BOUNDED);
    }

    private boolean ends() {
        return boundedness == Boundedness.BOUNDED;
    }

    @Override
    public Boundedness getBoundedness() {
        return boundedness;
    }

    @Override
    public SplitEnumerator<CommandSplit, List<CommandSplit>> createEnumerator(
            SplitEnumeratorContext<CommandSplit> context) {
        return new OwnedSplits<>(context, THE_LOG, null, ends());
    }

    @Override
    public SplitEnumerator<CommandSplit, List<CommandSplit>> restoreEnumerator(
            SplitEnumeratorContext<CommandSplit> context, List<CommandSplit> unassigned) {
        return new OwnedSplits<>(context, THE_LOG, unassigned, ends());
    }

    @Override
    public SimpleVersionedSerializer<CommandSplit> getSplitSerializer() {
        return new CommandSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<List<CommandSplit>> getEnumeratorCheckpointSerializer() {
        return SplitListSerializer.of(new CommandSplitSerializer(), CommandSplitSerializer::versionOne);
    }

    @Override
    public SourceReader<Command, CommandSplit> createReader(SourceReaderContext context) {
        return new CommandReader(openSearch, layout, pollMillis, ends(), context);
    }
}
