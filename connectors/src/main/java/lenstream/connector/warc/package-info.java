/**
 * Web archives (WARC, ARC) as a source: their images with their bytes, and the images that their pages name. Entry point:
 * {@link WarcSource}.
 */
@NullMarked
package lenstream.connector.warc;

import org.jspecify.annotations.NullMarked;
