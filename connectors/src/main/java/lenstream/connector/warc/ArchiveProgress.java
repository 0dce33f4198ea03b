package lenstream.connector.warc;

import lenstream.connector.source.SplitProgress;

/** How far what was emitted so far has come in an archive. Changed on the task thread, looked at by metric reporters. */
final class ArchiveProgress implements SplitProgress<ArchiveSplit> {
    private volatile ArchiveSplit split;

    ArchiveProgress(ArchiveSplit split) {
        this.split = split;
    }

    void advance(ArchiveStep step) {
        split = split.at(step.place());
    }

    @Override
    public ArchiveSplit split() {
        return split;
    }

    /** An archive that was read to its end is none of the reader's any more. */
    @Override
    public boolean isDry() {
        return false;
    }

    @Override
    public long pending() {
        return 1;
    }
}
