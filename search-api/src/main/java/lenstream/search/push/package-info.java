/**
 * How others tell this server what to look at: {@code /v1/crawl}, IndexNow and WebSub. What they tell goes into the command
 * log, where a running crawl takes it from. Entry points: {@link lenstream.search.push.CrawlRoutes}, {@link
 * lenstream.search.push.IndexNowRoutes}, {@link lenstream.search.push.WebSubRoutes}.
 */
@NullMarked
package lenstream.search.push;

import org.jspecify.annotations.NullMarked;
