package lenstream.connector.folder;

import lenstream.connector.source.SplitProgress;

/** How far the steps emitted so far have come in a folder. Changed on the task thread, looked at by metric reporters. */
final class FolderProgress implements SplitProgress<FolderSplit> {
    private volatile FolderSplit split;

    FolderProgress(FolderSplit split) {
        this.split = split;
    }

    void advance(FolderStep step) {
        split = new FolderSplit(split.folder(), split.run(), step.position(), step.isEnd());
    }

    @Override
    public FolderSplit split() {
        return split;
    }

    @Override
    public boolean isDry() {
        return split.done();
    }

    /** A folder not yet read to its end counts as one: how many files it holds is not known before. */
    @Override
    public long pending() {
        return split.done() ? 0 : 1;
    }
}
