/** Discovery of image URLs on web sites: sitemaps, feeds and pages, one split a site. Entry point: {@link FrontierSource}. */
@NullMarked
package lenstream.connector.crawl;

import org.jspecify.annotations.NullMarked;
