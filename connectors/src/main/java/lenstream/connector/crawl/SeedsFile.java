package lenstream.connector.crawl;

import java.time.Duration;
import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.Count;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * {@code SEEDS.yaml} as it is written; see {@link Seeds} for what follows from it.
 *
 * @param sites to crawl, at least one unless there is a topic
 * @param kafka topic of URLs that come from elsewhere; null for none
 * @param network how hosts are visited
 * @param limits of one image
 * @param revisit when known images are looked at again
 */
public record SeedsFile(
        @Default("[]") List<SiteEntry> sites,
        @Nullable UrlTopic kafka,
        @Default("{}") NetworkEntry network,
        @Default("{}") LimitsEntry limits,
        @Default("{}") RevisitEntry revisit) {

    public SeedsFile {
        if (sites.isEmpty() && kafka == null) {
            throw new IllegalArgumentException("sites must name at least one site");
        }
    }

    /**
     * One site.
     *
     * @param url home page, sitemap, feed or robots.txt
     * @param kind what the URL is; {@code auto} finds it out
     * @param interval between two rounds
     * @param include globs of page paths; nothing for all
     * @param exclude globs of page or image paths
     * @param maxPages HTML pages visited in a round
     * @param maxImages images found in a round
     */
    public record SiteEntry(
            String url,
            @Default("auto") Kind kind,
            @Default("15m") Duration interval,
            @Default("[]") List<String> include,
            @Default("[]") List<String> exclude,
            @Default("1000") Count maxPages,
            @Default("100k") Count maxImages) {
        public SiteEntry {
            Check.range(
                    "interval (in seconds)",
                    interval.toSeconds(),
                    1,
                    Duration.ofDays(365).toSeconds());
            Check.range("max_pages", maxPages.value(), 0, 100_000);
            Check.range("max_images", maxImages.value(), 1, 10_000_000);
        }
    }

    /**
     * How hosts are visited.
     *
     * @param allowPrivate networks in CIDR notation that may be reached although they are private
     * @param minDelay between two requests to a host; 0 only for {@code allowPrivate} addresses
     * @param contact a URL or mail address that goes into the User-Agent
     */
    public record NetworkEntry(
            @Default("[]") List<String> allowPrivate,
            @Default("1s") Duration minDelay,
            @Nullable String contact) {}

    /**
     * Limits of one image.
     *
     * @param maxBytes of its file
     * @param maxPixels of its picture
     * @param timeout of a request with its body
     * @param attempts before a failure that may pass counts
     */
    public record LimitsEntry(
            @Default("30MiB") DataSize maxBytes,
            @Default("200M") Count maxPixels,
            @Default("30s") Duration timeout,
            @Default("3") int attempts) {}

    /**
     * When known images are looked at again without being named.
     *
     * @param first interval after an image was new
     * @param shortest interval, of one that keeps changing
     * @param longest interval, of one that never changes
     * @param forgetAfter how long what is gone or refused is remembered
     */
    public record RevisitEntry(
            @Default("1d") Duration first,
            @Default("1h") Duration shortest,
            @Default("30d") Duration longest,
            @Default("90d") Duration forgetAfter) {}
}
