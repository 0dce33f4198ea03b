package lenstream.connector.crawl;

/** What a resource is, in the order in which a site's resources are visited. */
public enum Kind {
    /** Found out from the answer. */
    AUTO,
    ROBOTS,
    SITEMAP,
    FEED,
    PAGE
}
