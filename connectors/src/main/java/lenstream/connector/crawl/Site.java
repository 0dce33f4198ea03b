package lenstream.connector.crawl;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import lenstream.core.web.CanonicalUrl;

/**
 * One site to crawl. Its pages lie on its own host, its sitemaps and feeds anywhere. Immutable.
 *
 * @param url canonical; also the site's identity
 * @param host host and port of the URL
 * @param kind what the URL is
 * @param interval between two rounds
 * @param include globs of page paths; empty for all
 * @param exclude globs of page or image paths
 * @param maxPages HTML pages visited in a round
 * @param maxImages images found in a round
 */
public record Site(
        String url,
        String host,
        Kind kind,
        Duration interval,
        List<String> include,
        List<String> exclude,
        int maxPages,
        int maxImages)
        implements Serializable {

    public Site {
        include = List.copyOf(include);
        exclude = List.copyOf(exclude);
        PathGlobs.of(include);
        PathGlobs.of(exclude);
    }

    /** A site with everything else by default. */
    public static Site of(CanonicalUrl url) {
        return new Site(
                url.value(), url.hostAndPort(), Kind.AUTO, Duration.ofMinutes(15), List.of(), List.of(), 1000, 100_000);
    }
}
