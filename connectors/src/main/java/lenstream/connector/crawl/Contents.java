package lenstream.connector.crawl;

import java.util.List;
import lenstream.core.web.CanonicalUrl;

/**
 * What a resource says. Immutable.
 *
 * @param kind what it turned out to be
 * @param images in its order
 * @param links to further resources
 */
record Contents(Kind kind, List<FoundImage> images, List<Link> links) {
    /** A further resource. */
    record Link(CanonicalUrl url, Kind kind) {}

    static Contents nothing(Kind kind) {
        return new Contents(kind, List.of(), List.of());
    }
}
