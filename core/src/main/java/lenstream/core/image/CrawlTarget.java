package lenstream.core.image;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * An image URL that discovery found, with the context it was found in. Crosses Flink edges as a POJO; immutable.
 *
 * @param url canonical URL ({@code http}, {@code https}, {@code file}, or that of an object store); see {@link
 *     lenstream.core.web.CanonicalUrl}
 * @param host the politeness key of the URL: host and port; {@code file} for files, scheme and bucket for objects
 * @param site the seed that led here
 * @param pageUrl the page that shows the image, if known
 * @param title title of the image or its page
 * @param alt alternative text
 * @param caption caption from a sitemap, feed or figure
 * @param credit who made it
 * @param license licence URL or text
 * @param publishedAtMillis when the site says that it was published, epoch ms; {@link #UNKNOWN_TIME} if it does not
 * @param discoveredAtMillis when discovery saw it, epoch ms
 * @param via the kind of resource it was found in: {@code sitemap}, {@code feed}, {@code page}, {@code folder},
 *     {@code push}, {@code warc}, {@code kafka}
 * @param mark what a visit will find as long as the image is as it was seen: of a file its size and time. A known image
 *     with this mark needs no visit. Null if discovery cannot say; not remembered
 */
public record CrawlTarget(
        String url,
        String host,
        String site,
        @Nullable String pageUrl,
        @Nullable String title,
        @Nullable String alt,
        @Nullable String caption,
        @Nullable String credit,
        @Nullable String license,
        long publishedAtMillis,
        long discoveredAtMillis,
        String via,
        @Nullable String mark)
        implements Serializable {
    private static final long serialVersionUID = 2;

    /** One of which only a visit can tell whether it changed. */
    public CrawlTarget(
            String url,
            String host,
            String site,
            @Nullable String pageUrl,
            @Nullable String title,
            @Nullable String alt,
            @Nullable String caption,
            @Nullable String credit,
            @Nullable String license,
            long publishedAtMillis,
            long discoveredAtMillis,
            String via) {
        this(
                url,
                host,
                site,
                pageUrl,
                title,
                alt,
                caption,
                credit,
                license,
                publishedAtMillis,
                discoveredAtMillis,
                via,
                null);
    }

    public static final long UNKNOWN_TIME = -1;

    /** The same image, found anew at that time (epoch ms): by a look at it, not at what names it. */
    public CrawlTarget askedAgainAt(long millis) {
        return new CrawlTarget(
                url, host, site, pageUrl, title, alt, caption, credit, license, publishedAtMillis, millis, via);
    }

    /** What {@code via} says of an image that someone told of. */
    public static final String PUSH = "push";

    /** Whether someone told of it, rather than discovery having come by. */
    public boolean isPushed() {
        return via.equals(PUSH);
    }

    /** The same image, found another way. */
    public CrawlTarget withVia(String newVia) {
        return new CrawlTarget(
                url,
                host,
                site,
                pageUrl,
                title,
                alt,
                caption,
                credit,
                license,
                publishedAtMillis,
                discoveredAtMillis,
                newVia);
    }

    /** The same image with what is known of its rights. */
    public CrawlTarget withRights(@Nullable String newCredit, @Nullable String newLicense) {
        return new CrawlTarget(
                url,
                host,
                site,
                pageUrl,
                title,
                alt,
                caption,
                newCredit,
                newLicense,
                publishedAtMillis,
                discoveredAtMillis,
                via,
                mark);
    }

    /** The document id of this image. */
    public String id() {
        return ImageId.ofUrl(url);
    }
}
