package lenstream.connector.folder;

import lenstream.core.image.CrawlTarget;
import org.jspecify.annotations.Nullable;

/**
 * One file further, or the end of a round. Immutable.
 *
 * @param position after this step
 * @param target the file; null at the end of the folder and where a failed look is told
 * @param failed whether the folder could not be read; the place to go on stays
 */
record FolderStep(String position, @Nullable CrawlTarget target, boolean failed) {
    static final FolderStep END = new FolderStep("", null, false);

    boolean isEnd() {
        return target == null && !failed;
    }
}
