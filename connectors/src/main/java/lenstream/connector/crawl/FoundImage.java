package lenstream.connector.crawl;

import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * An image as one resource shows it. Immutable.
 *
 * @param url canonical
 * @param pageUrl the page that shows it
 * @param publishedAtMillis epoch ms, {@link CrawlTarget#UNKNOWN_TIME} if the resource does not say
 * @param stamp changes when the resource says that the image or its context changed; 0 if it says nothing
 * @param via {@code sitemap}, {@code feed} or {@code page}
 */
record FoundImage(
        CanonicalUrl url,
        @Nullable CanonicalUrl pageUrl,
        @Nullable String title,
        @Nullable String alt,
        @Nullable String caption,
        @Nullable String credit,
        @Nullable String license,
        long publishedAtMillis,
        int stamp,
        String via) {
    private static final int LONGEST_TEXT = 2_000;

    static FoundImage of(CanonicalUrl url, @Nullable CanonicalUrl pageUrl, String via) {
        return new FoundImage(url, pageUrl, null, null, null, null, null, CrawlTarget.UNKNOWN_TIME, 0, via);
    }

    FoundImage withTexts(@Nullable String newTitle, @Nullable String newAlt, @Nullable String newCaption) {
        return new FoundImage(
                url,
                pageUrl,
                text(newTitle),
                text(newAlt),
                text(newCaption),
                credit,
                license,
                publishedAtMillis,
                stamp,
                via);
    }

    FoundImage withRights(@Nullable String newCredit, @Nullable String newLicense) {
        return new FoundImage(
                url, pageUrl, title, alt, caption, text(newCredit), text(newLicense), publishedAtMillis, stamp, via);
    }

    FoundImage withPublished(long atMillis, int newStamp) {
        return new FoundImage(url, pageUrl, title, alt, caption, credit, license, atMillis, newStamp, via);
    }

    /** Both sightings in one; what this one says counts, the other fills gaps. */
    FoundImage merge(FoundImage other) {
        return new FoundImage(
                url,
                pageUrl == null ? other.pageUrl : pageUrl,
                title == null ? other.title : title,
                alt == null ? other.alt : alt,
                caption == null ? other.caption : caption,
                credit == null ? other.credit : credit,
                license == null ? other.license : license,
                publishedAtMillis == CrawlTarget.UNKNOWN_TIME ? other.publishedAtMillis : publishedAtMillis,
                stamp == 0 ? other.stamp : stamp,
                via);
    }

    CrawlTarget target(String site, long discoveredAtMillis) {
        return new CrawlTarget(
                url.value(),
                url.hostAndPort(),
                site,
                pageUrl == null ? null : pageUrl.value(),
                title,
                alt,
                caption,
                credit,
                license,
                publishedAtMillis,
                discoveredAtMillis,
                via);
    }

    private static @Nullable String text(@Nullable String raw) {
        if (raw == null) {
            return null;
        }
        String clean = raw.strip().replaceAll("\\s+", " ");
        if (clean.length() > LONGEST_TEXT) {
            clean = clean.substring(0, LONGEST_TEXT);
        }
        return clean.isEmpty() ? null : clean;
    }
}
