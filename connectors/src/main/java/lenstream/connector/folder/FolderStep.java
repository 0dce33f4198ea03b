package lenstream.connector.folder;

import lenstream.core.image.CrawlTarget;
import org.jspecify.annotations.Nullable;

/**
 * One file further. Immutable.
 *
 * @param position after this step
 * @param target the file; null at the end of the folder
 */
record FolderStep(String position, @Nullable CrawlTarget target) {}
