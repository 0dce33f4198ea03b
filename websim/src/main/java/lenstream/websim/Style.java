package lenstream.websim;

/** How a site names its images. */
public enum Style {
    /** One sitemap with the image extension, named by robots.txt. */
    SITEMAP,
    /** A sitemap index of sitemaps compressed with gzip. */
    SITEMAP_INDEX,
    /** A sitemap that lies elsewhere in each round. */
    MOVING_SITEMAP,
    /** A sitemap on a store, which the site's robots.txt vouches for. */
    FOREIGN_SITEMAP,
    /** A news sitemap of articles, whose pages show the images. */
    NEWS,
    /** RSS 2.0 with enclosures and Media RSS, in several pages. */
    RSS,
    /** Atom with images in its content, in several pages. */
    ATOM,
    /** JSON Feed, in several pages. */
    JSON_FEED,
    /** Web pages that link to each other, some of which opt out. */
    PAGES;

    /** Whether web pages show the images. */
    boolean hasPages() {
        return this == PAGES || this == NEWS;
    }

    boolean isFeed() {
        return this == RSS || this == ATOM || this == JSON_FEED;
    }
}
