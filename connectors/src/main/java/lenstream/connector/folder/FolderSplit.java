package lenstream.connector.folder;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * A folder and how far it has been read. Immutable.
 *
 * @param folder absolute path, or URL of a prefix in an object store
 * @param run the submission of the job that reads it
 * @param position the last file emitted, relative to the folder; empty for none
 * @param done whether there are no more
 */
public record FolderSplit(String folder, String run, String position, boolean done) implements SourceSplit {
    @Override
    public String splitId() {
        return folder;
    }

    /** Where this submission goes on: from the start, unless it was interrupted on the way. */
    FolderSplit in(String newRun) {
        return run.equals(newRun) || !done
                ? new FolderSplit(folder, newRun, position, done)
                : new FolderSplit(folder, newRun, "", false);
    }

    /** Read again from the start. */
    FolderSplit restarted() {
        return new FolderSplit(folder, run, "", false);
    }

    /** The same with another place to go on. */
    FolderSplit at(String reached) {
        return new FolderSplit(folder, run, reached, false);
    }
}
