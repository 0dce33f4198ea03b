package lenstream.connector.crawl;

import java.util.List;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;

/**
 * What a resource says. Immutable.
 *
 * @param kind what it turned out to be
 * @param images in its order
 * @param links to further resources
 */
record Contents(Kind kind, List<FoundImage> images, List<Link> links) {
    /**
     * A further resource.
     *
     * @param saidMillis as {@link Resource#saidMillis}
     * @param next whether it continues the feed that names it
     */
    record Link(CanonicalUrl url, Kind kind, long saidMillis, boolean next) {
        Link(CanonicalUrl url, Kind kind) {
            this(url, kind, CrawlTarget.UNKNOWN_TIME, false);
        }
    }

    static Contents nothing(Kind kind) {
        return new Contents(kind, List.of(), List.of());
    }
}
