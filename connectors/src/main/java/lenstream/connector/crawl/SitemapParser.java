package lenstream.connector.crawl;

import crawlercommons.sitemaps.AbstractSiteMap;
import crawlercommons.sitemaps.SiteMap;
import crawlercommons.sitemaps.SiteMapIndex;
import crawlercommons.sitemaps.SiteMapParser;
import crawlercommons.sitemaps.SiteMapURL;
import crawlercommons.sitemaps.UnknownFormatException;
import crawlercommons.sitemaps.extension.Extension;
import crawlercommons.sitemaps.extension.ExtensionMetadata;
import crawlercommons.sitemaps.extension.ImageAttributes;
import crawlercommons.sitemaps.extension.NewsAttributes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Entities;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.XmlDeclaration;
import org.jsoup.parser.Parser;
import org.jspecify.annotations.Nullable;

/**
 * Reads sitemaps and sitemap indexes, plain or gzip, with the image and news extensions. An entry with images gives
 * these; one without gives a page to look at. Immutable, thread-safe.
 */
final class SitemapParser {
    /** The protocol's own limit for one file, uncompressed. */
    static final int MAX_BYTES = 52_428_800;

    /** Mending takes some ten times this in heap. */
    private static final int MENDED_AT_MOST = 8 << 20;

    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]");

    private static final String IMAGE_NAMESPACE = "http://www.google.com/schemas/sitemap-image/1.1";

    private SitemapParser() {}

    /** @throws IOException if this is no sitemap */
    static Contents parse(CanonicalUrl url, byte[] body, long nowMillis) throws IOException {
        AbstractSiteMap parsed = read(url, unpacked(body));
        var images = new ArrayList<FoundImage>();
        var links = new ArrayList<Contents.Link>();
        if (parsed instanceof SiteMapIndex index) {
            boolean believed = believesDates(index, nowMillis);
            for (AbstractSiteMap child : index.getSitemaps()) {
                Date changed = believed ? child.getLastModified() : null;
                long said = changed == null ? CrawlTarget.UNKNOWN_TIME : changed.getTime();
                CanonicalUrl.of(child.getUrl().toString())
                        .ifPresent(at -> links.add(new Contents.Link(at, Kind.SITEMAP, said, false)));
            }
        } else if (parsed instanceof SiteMap map) {
            for (SiteMapURL entry : map.getSiteMapUrls()) {
                CanonicalUrl.of(entry.getUrl().toString()).ifPresent(page -> {
                    List<FoundImage> shown = images(page, entry, nowMillis);
                    images.addAll(shown);
                    if (shown.isEmpty()) {
                        links.add(new Contents.Link(page, Kind.PAGE, newsDate(entry, nowMillis), false));
                    }
                });
            }
        }
        return new Contents(Kind.SITEMAP, images, links);
    }

    /** A sitemap that is no proper XML is mended and read again; a large one is read up to its fault. */
    private static AbstractSiteMap read(CanonicalUrl url, byte[] content) throws IOException {
        try {
            return read(url, content, false);
        } catch (UnknownFormatException | IllegalArgumentException e) {
            try {
                return read(url, content.length <= MENDED_AT_MOST ? mended(content) : content, true);
            } catch (UnknownFormatException | IllegalArgumentException again) {
                throw new IOException(url + ": no sitemap: " + e.getMessage(), e);
            }
        }
    }

    private static AbstractSiteMap read(CanonicalUrl url, byte[] content, boolean allowsPart)
            throws IOException, UnknownFormatException {
        var parser = new SiteMapParser(false, allowsPart);
        parser.setStrictNamespace(false);
        parser.enableExtension(Extension.IMAGE);
        parser.enableExtension(Extension.NEWS);
        return parser.parseSiteMap(content, javaUrl(url));
    }

    /** What a forgiving reader makes of it: ampersands, entities of HTML, characters that XML has not, open elements, a prefix that was not declared. */
    private static byte[] mended(byte[] content) {
        String text = CONTROL.matcher(XmlText.decode(content, null)).replaceAll(" ");
        Document document = Jsoup.parse(text, Parser.xmlParser());
        document.outputSettings()
                .syntax(Document.OutputSettings.Syntax.xml)
                .escapeMode(Entities.EscapeMode.xhtml)
                .charset(StandardCharsets.UTF_8)
                .prettyPrint(false);
        document.childNodes().stream()
                .filter(XmlDeclaration.class::isInstance)
                .toList()
                .forEach(Node::remove); // its encoding was the old one's
        Element root = document.firstElementChild();
        if (root != null && !root.hasAttr("xmlns:image")) {
            root.attr("xmlns:image", IMAGE_NAMESPACE);
        }
        return document.outerHtml().strip().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Whether an index's dates tell which of its sitemaps changed. Where all are the same they are most likely the time at
     * which the index was written, and one in the future was not taken from a file.
     */
    private static boolean believesDates(SiteMapIndex index, long nowMillis) {
        List<Date> dates = index.getSitemaps().stream()
                .map(AbstractSiteMap::getLastModified)
                .filter(Objects::nonNull)
                .toList();
        return dates.stream().distinct().count() > 1 && dates.stream().allMatch(date -> date.getTime() <= nowMillis);
    }

    static boolean isGzip(byte[] body) {
        return body.length > 2 && body[0] == 0x1f && body[1] == (byte) 0x8b;
    }

    /** The content of a file that is itself compressed (as {@code sitemap.xml.gz} is), up to the protocol's limit. */
    static byte[] unpacked(byte[] body) throws IOException {
        if (!isGzip(body)) {
            return body;
        }
        try (var in = new GZIPInputStream(new ByteArrayInputStream(body))) {
            byte[] content = in.readNBytes(MAX_BYTES + 1);
            if (content.length > MAX_BYTES) {
                throw new IOException("unpacks to more than " + MAX_BYTES + " bytes");
            }
            return content;
        }
    }

    private static List<FoundImage> images(CanonicalUrl page, SiteMapURL entry, long nowMillis) {
        ExtensionMetadata[] attributes = entry.getAttributesForExtension(Extension.IMAGE);
        if (attributes == null) {
            return List.of();
        }
        long published = published(entry, nowMillis);
        String headline = headline(entry);
        Date modified = entry.getLastModified();
        int stamp = modified == null ? 0 : Long.hashCode(modified.getTime()) | 1;
        var images = new ArrayList<FoundImage>();
        for (ExtensionMetadata attribute : attributes) {
            if (attribute instanceof ImageAttributes image && image.getLoc() != null) {
                CanonicalUrl.of(image.getLoc().toString())
                        .ifPresent(url -> images.add(FoundImage.of(url, page, "sitemap")
                                .withTexts(
                                        image.getTitle() == null ? headline : image.getTitle(),
                                        null,
                                        image.getCaption())
                                .withRights(null, text(image.getLicense()))
                                .withPublished(published, stamp)));
            }
        }
        return images;
    }

    /** The title of a news sitemap's article. */
    private static @Nullable String headline(SiteMapURL entry) {
        ExtensionMetadata[] news = entry.getAttributesForExtension(Extension.NEWS);
        return news != null && news.length > 0 && news[0] instanceof NewsAttributes article ? article.getTitle() : null;
    }

    private static long published(SiteMapURL entry, long nowMillis) {
        long news = newsDate(entry, nowMillis);
        Date modified = entry.getLastModified();
        boolean usesModified = news == CrawlTarget.UNKNOWN_TIME && modified != null && modified.getTime() <= nowMillis;
        return usesModified ? modified.getTime() : news;
    }

    /** The publication date of a news sitemap's article. */
    private static long newsDate(SiteMapURL entry, long nowMillis) {
        ExtensionMetadata[] news = entry.getAttributesForExtension(Extension.NEWS);
        if (news != null) {
            for (ExtensionMetadata attribute : news) {
                if (attribute instanceof NewsAttributes article) {
                    ZonedDateTime date = article.getPublicationDateTime();
                    if (date != null && date.toInstant().toEpochMilli() <= nowMillis) {
                        return date.toInstant().toEpochMilli();
                    }
                }
            }
        }
        return CrawlTarget.UNKNOWN_TIME;
    }

    private static @Nullable String text(@Nullable URL url) {
        return url == null ? null : url.toString();
    }

    private static URL javaUrl(CanonicalUrl url) throws MalformedURLException {
        return URI.create(url.value()).toURL();
    }
}
