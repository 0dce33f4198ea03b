/**
 * Finds images by words and by pictures, over HTTP and with a web page. Entry points: {@link
 * lenstream.search.SearchServer} to run it, {@link lenstream.search.ImageSearch} for the search itself, {@link
 * lenstream.search.SearchRoutes} for what a request of it becomes.
 */
@NullMarked
package lenstream.search;

import org.jspecify.annotations.NullMarked;
