/**
 * A web of thousands of hosts on loopback, made by a formula: nothing is stored for an image, so that a web of any size
 * fits. {@link lenstream.websim.SimWeb} is the formula, {@link lenstream.websim.SimServer} answers by it and keeps the log
 * of what it was asked, {@link lenstream.websim.Oracle} says from the formula alone what a crawl must find. The package
 * knows nothing of the crawler.
 */
@NullMarked
package lenstream.websim;

import org.jspecify.annotations.NullMarked;
