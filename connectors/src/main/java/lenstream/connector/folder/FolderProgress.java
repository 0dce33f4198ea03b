package lenstream.connector.folder;

/** How far the steps emitted so far have come in a folder. Changed on the task thread, looked at by metric reporters. */
final class FolderProgress {
    private volatile FolderSplit split;

    FolderProgress(FolderSplit split) {
        this.split = split;
    }

    void advance(FolderStep step) {
        split = new FolderSplit(split.folder(), split.run(), step.position(), step.target() == null);
    }

    FolderSplit split() {
        return split;
    }
}
