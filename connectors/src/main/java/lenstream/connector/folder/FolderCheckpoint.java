package lenstream.connector.folder;

import java.util.List;

/**
 * What the enumerator has to remember. Immutable.
 *
 * @param unassigned splits that came back and were not given out again
 */
public record FolderCheckpoint(List<FolderSplit> unassigned) {
    public FolderCheckpoint {
        unassigned = List.copyOf(unassigned);
    }
}
