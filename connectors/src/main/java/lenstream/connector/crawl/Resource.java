package lenstream.connector.crawl;

/**
 * Something on a site that may name images. Immutable.
 *
 * @param url canonical, on the site's host
 * @param kind what it is, as far as it is known
 * @param depth links from the seed
 * @param follow whether its links are followed
 */
record Resource(String url, Kind kind, int depth, boolean follow) {}
