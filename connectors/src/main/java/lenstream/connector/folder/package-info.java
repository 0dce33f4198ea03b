/** Images in folders as crawl targets. Entry point: {@link FolderSource}. */
@NullMarked
package lenstream.connector.folder;

import org.jspecify.annotations.NullMarked;
