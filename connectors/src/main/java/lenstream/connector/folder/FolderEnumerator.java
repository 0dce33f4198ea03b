package lenstream.connector.folder;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.jspecify.annotations.Nullable;

/**
 * Gives the folders to the readers in turn, once every reader has come and said what it holds. Runs on the coordinator's
 * thread; no I/O.
 */
final class FolderEnumerator implements SplitEnumerator<FolderSplit, FolderCheckpoint> {
    private final SplitEnumeratorContext<FolderSplit> context;
    private final List<String> folders;
    private final String run;
    private final Map<String, FolderSplit> returned = new LinkedHashMap<>();
    private final Set<String> assigned = new HashSet<>();
    private boolean everyReaderCame;

    FolderEnumerator(
            SplitEnumeratorContext<FolderSplit> context,
            List<String> folders,
            String run,
            @Nullable FolderCheckpoint checkpoint) {
        this.context = context;
        this.folders = folders;
        this.run = run;
        if (checkpoint != null) {
            checkpoint.unassigned().forEach(split -> returned.put(split.splitId(), split));
        }
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        // every folder is given out at once
    }

    @Override
    public void addSplitsBack(List<FolderSplit> splits, int subtask) {
        splits.forEach(this::takeBack);
    }

    @Override
    public void addReader(int subtask) {
        ReaderInfo reader = context.registeredReaders().get(subtask);
        if (reader != null) {
            reader.<FolderSplit>getReportedSplitsOnRegistration().forEach(this::takeBack);
        }
        everyReaderCame |= context.registeredReaders().size() == context.currentParallelism();
        if (everyReaderCame) {
            assign();
        }
    }

    private void takeBack(FolderSplit split) {
        assigned.remove(split.splitId());
        if (folders.contains(split.folder())) {
            returned.put(split.splitId(), split);
        }
    }

    private void assign() {
        for (int i = 0; i < folders.size(); i++) {
            String folder = folders.get(i);
            int owner = i % context.currentParallelism();
            if (!assigned.contains(folder) && context.registeredReaders().containsKey(owner)) {
                FolderSplit before = returned.remove(folder);
                FolderSplit split = before == null ? new FolderSplit(folder, run, "", false) : before.in(run);
                assigned.add(folder);
                context.assignSplit(split, owner);
            }
        }
        for (int reader : context.registeredReaders().keySet()) {
            context.sendEventToSourceReader(reader, new FoldersAssigned());
        }
    }

    @Override
    public FolderCheckpoint snapshotState(long checkpointId) {
        return new FolderCheckpoint(new ArrayList<>(returned.values()));
    }

    @Override
    public void close() {}
}
