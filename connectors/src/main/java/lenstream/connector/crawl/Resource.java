package lenstream.connector.crawl;

import lenstream.core.image.CrawlTarget;

/**
 * Something on a site that may name images. Immutable.
 *
 * @param url canonical; that of a page on the site's host
 * @param kind what it is, as far as it is known
 * @param depth links from the seed
 * @param follow whether its links are followed
 * @param saidMillis what the list that names it says: of a sitemap when it changed, of a page when it was published;
 *     epoch ms, {@link CrawlTarget#UNKNOWN_TIME} if it does not say or is not believed
 * @param feedPage 0, or how many pages of a feed come before this one
 */
record Resource(String url, Kind kind, int depth, boolean follow, long saidMillis, int feedPage) {
    Resource(String url, Kind kind, int depth, boolean follow) {
        this(url, kind, depth, follow, CrawlTarget.UNKNOWN_TIME, 0);
    }
}
