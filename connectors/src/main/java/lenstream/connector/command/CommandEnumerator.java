package lenstream.connector.command;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.jspecify.annotations.Nullable;

/** Gives the one split to the first reader. Runs on the coordinator's thread; no I/O. */
final class CommandEnumerator implements SplitEnumerator<CommandSplit, List<CommandSplit>> {
    private final SplitEnumeratorContext<CommandSplit> context;
    private final List<CommandSplit> unassigned;
    private final boolean ends;

    CommandEnumerator(SplitEnumeratorContext<CommandSplit> context, List<CommandSplit> unassigned, boolean ends) {
        this.context = context;
        this.unassigned = new ArrayList<>(unassigned);
        this.ends = ends;
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        // the split is given out at once
    }

    @Override
    public void addSplitsBack(List<CommandSplit> splits, int subtask) {
        unassigned.addAll(splits);
    }

    @Override
    public void addReader(int subtask) {
        unassigned.forEach(split -> context.assignSplit(split, subtask));
        unassigned.clear();
        if (ends) {
            context.signalNoMoreSplits(subtask);
        }
    }

    @Override
    public List<CommandSplit> snapshotState(long checkpointId) {
        return List.copyOf(unassigned);
    }

    @Override
    public void close() {}
}
