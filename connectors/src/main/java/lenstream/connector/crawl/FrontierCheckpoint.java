package lenstream.connector.crawl;

import java.util.List;

/**
 * What the enumerator has to remember: sites with progress that no reader holds. Immutable.
 *
 * @param unassigned splits that came back and were not given out again
 */
public record FrontierCheckpoint(List<SiteSplit> unassigned) {
    public FrontierCheckpoint {
        unassigned = List.copyOf(unassigned);
    }
}
