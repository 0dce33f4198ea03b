/** What travels through the pipeline: targets, fetched images, embedded rows, rejections. Entry point: {@link lenstream.core.image.CrawlTarget}. */
@NullMarked
package lenstream.core.image;

import org.jspecify.annotations.NullMarked;
