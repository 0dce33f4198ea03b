package lenstream.connector.crawl;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import lenstream.connector.fetch.RobotsDirectives;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jspecify.annotations.Nullable;

/**
 * Reads images and links of an HTML page: {@code img} with the best {@code srcset} candidate or a lazy-load attribute,
 * {@code picture}, {@code og:image}, {@code twitter:image}, {@code link rel=image_src}, JSON-LD and microdata; each image once, with
 * what all sightings say. What a page's robots meta elements forbid is left out. Confined to one thread.
 */
final class PageImages {
    private static final Set<String> FEED_TYPES =
            Set.of("application/rss+xml", "application/atom+xml", "application/feed+json", "application/json");
    private static final List<String> LAZY =
            List.of("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-full", "data-image");
    /** What a source of a picture may offer and no decoder here reads. */
    private static final Set<String> UNREADABLE =
            Set.of("image/jxl", "image/svg+xml", "image/heic", "image/heif", "image/vnd.ms-photo");

    /** An image declared as small as this counts visits, it shows nothing. */
    private static final int PIXEL = 2;

    /** What holds for all that the page shows. */
    private static final String LICENSE = "link[rel~=(?i)\\blicense\\b][href], a[rel~=(?i)\\blicense\\b][href]";

    private final Document document;
    private final CanonicalUrl base;
    private final CanonicalUrl page;
    private final Map<String, FoundImage> images = new LinkedHashMap<>();

    private PageImages(Document document, CanonicalUrl base, CanonicalUrl page) {
        this.document = document;
        this.base = base;
        this.page = page;
    }

    /**
     * What a page says.
     *
     * @param charset from the answer's Content-Type; null lets the page say
     * @param directives of the answer's headers
     */
    static Contents parse(
            CanonicalUrl url, byte[] body, @Nullable String charset, RobotsDirectives directives, Instant now)
            throws IOException {
        Document document = Jsoup.parse(new ByteArrayInputStream(body), charset, url.value());
        RobotsDirectives rules = directives;
        for (Element meta : document.select("meta[name]")) {
            rules = rules.and(RobotsDirectives.ofMeta(meta.attr("name"), meta.attr("content"), now));
        }
        CanonicalUrl base =
                attribute(document, "base[href]", "href").flatMap(url::resolve).orElse(url);
        CanonicalUrl page = attribute(document, "link[rel=canonical]", "href")
                .flatMap(base::resolve)
                .filter(canonical -> canonical.hostAndPort().equals(url.hostAndPort()))
                .orElse(url);
        var reader = new PageImages(document, base, page);
        List<FoundImage> found = rules.noIndex() ? List.of() : reader.found(now);
        return new Contents(Kind.PAGE, found, reader.links(!rules.noFollow()));
    }

    /** The images of a piece of HTML, such as a feed's article. */
    static List<FoundImage> inFragment(String html, CanonicalUrl base, @Nullable CanonicalUrl page) {
        var reader = new PageImages(Jsoup.parseBodyFragment(html), base, page == null ? base : page);
        reader.imageElements();
        return List.copyOf(reader.images.values());
    }

    private List<FoundImage> found(Instant now) {
        imageElements();
        String pageTitle = meta("og:title").orElse(document.title());
        String alt = meta("og:image:alt").orElse(meta("twitter:image:alt").orElse(null));
        for (String property :
                List.of("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")) {
            for (Element element : document.select("meta[property=" + property + "], meta[name=" + property + "]")) {
                add(element.attr("content"), null, alt, null);
            }
        }
        for (Element element : document.select("link[rel=image_src]")) {
            add(element.attr("href"), null, null, null);
        }
        for (Element script : document.select("script[type=application/ld+json]")) {
            JsonLdImages.parse(script.data(), base, page, now).forEach(this::add);
        }
        microdata();
        String license = attribute(document, LICENSE, "href")
                .flatMap(base::resolve)
                .map(CanonicalUrl::value)
                .orElse(null);
        long published = Dates.parse(meta("article:published_time").orElse(null), now.toEpochMilli());
        return images.values().stream()
                .map(image -> image.title() == null ? image.withTexts(pageTitle, image.alt(), image.caption()) : image)
                .map(image -> image.license() == null ? image.withRights(image.credit(), license) : image)
                .map(image -> published == CrawlTarget.UNKNOWN_TIME ? image : image.withPublished(published, 0))
                .toList();
    }

    /** {@code ImageObject}s that the page's own elements describe. */
    private void microdata() {
        for (Element item : document.select("[itemscope][itemtype~=(?i)schema\\.org/ImageObject$]")) {
            Optional<String> url = property(item, "contentUrl").or(() -> property(item, "url"));
            url.flatMap(base::resolve)
                    .ifPresent(at -> add(FoundImage.of(at, page, "page")
                            .withTexts(
                                    property(item, "name").orElse(null),
                                    null,
                                    property(item, "caption").orElse(null))
                            .withRights(
                                    property(item, "creditText")
                                            .or(() -> property(item, "copyrightNotice"))
                                            .orElse(null),
                                    property(item, "license")
                                            .or(() -> property(item, "acquireLicensePage"))
                                            .orElse(null))));
        }
    }

    /** The value of a microdata property: an address where the element has one, else its text. */
    private static Optional<String> property(Element item, String name) {
        Element element = item.selectFirst("[itemprop~=(?:^|\\s)" + name + "(?:$|\\s)]");
        if (element == null) {
            return Optional.empty();
        }
        for (String attribute : List.of("content", "href", "src")) {
            if (!element.attr(attribute).isBlank()) {
                return Optional.of(element.attr(attribute));
            }
        }
        return Optional.of(element.text()).filter(text -> !text.isBlank());
    }

    private void imageElements() {
        for (Element img : document.select("img")) {
            if (isPixel(img)) {
                continue;
            }
            Element figure = img.closest("figure");
            Element caption = figure == null ? null : figure.selectFirst("figcaption");
            best(img)
                    .ifPresent(url -> add(
                            url,
                            text(img.attr("title")),
                            text(img.attr("alt")),
                            caption == null ? null : caption.text()));
        }
    }

    /**
     * One address for an element: the largest that it offers, or that a source of its picture offers in a form that can be
     * read; rather what it loads later than a placeholder.
     */
    private static Optional<String> best(Element img) {
        Optional<Srcset.Candidate> own = Stream.of("srcset", "data-srcset", "data-lazy-srcset")
                .flatMap(attribute -> Srcset.best(img.attr(attribute)).stream())
                .findFirst();
        Optional<String> plain = Stream.concat(LAZY.stream(), Stream.of("src"))
                .map(img::attr)
                .filter(address -> !isPlaceholder(address))
                .findFirst();
        Srcset.Candidate best = own.or(() -> plain.map(address -> Srcset.Candidate.plain(address, img.attr("width"))))
                .orElse(null);
        Element picture = img.closest("picture");
        for (Element source : picture == null ? List.<Element>of() : picture.select("source")) {
            String attribute = source.hasAttr("srcset") ? "srcset" : "data-srcset";
            Optional<Srcset.Candidate> offer = UNREADABLE.contains(lower(source.attr("type")))
                    ? Optional.empty()
                    : Srcset.best(source.attr(attribute));
            if (offer.isPresent() && (best == null || offer.get().isLargerThan(best))) {
                best = offer.get();
            }
        }
        return Optional.ofNullable(best).map(Srcset.Candidate::url);
    }

    private static String lower(String text) {
        return text.strip().toLowerCase(Locale.ROOT);
    }

    private static boolean isPlaceholder(String src) {
        String address = src.strip();
        return address.isEmpty() || address.startsWith("data:") || address.startsWith("#"); // "#" is the page itself
    }

    private static boolean isPixel(Element img) {
        return isTiny(img.attr("width")) || isTiny(img.attr("height"));
    }

    private static boolean isTiny(String length) {
        return length.length() == 1 && length.charAt(0) >= '0' && length.charAt(0) <= '0' + PIXEL;
    }

    private void add(String reference, @Nullable String title, @Nullable String alt, @Nullable String caption) {
        if (!isPlaceholder(reference)) {
            base.resolve(reference)
                    .ifPresent(url -> add(FoundImage.of(url, page, "page").withTexts(title, alt, caption)));
        }
    }

    private void add(FoundImage image) {
        images.merge(image.url().value(), image, FoundImage::merge);
    }

    private List<Contents.Link> links(boolean follow) {
        var links = new ArrayList<Contents.Link>();
        for (Element link : document.select("link[rel~=(?i)\\balternate\\b][href]")) {
            if (FEED_TYPES.contains(link.attr("type").toLowerCase(Locale.ROOT).strip())) {
                link(link.attr("href"), Kind.FEED, links);
            }
        }
        for (Element link : document.select("link[rel=sitemap][href]")) {
            link(link.attr("href"), Kind.SITEMAP, links);
        }
        if (follow) {
            for (Element anchor : document.select("a[href]:not([rel~=(?i)\\bnofollow\\b]), area[href]")) {
                link(anchor.attr("href"), Kind.PAGE, links);
            }
        }
        return links;
    }

    private void link(String reference, Kind kind, List<Contents.Link> links) {
        base.resolve(reference).ifPresent(url -> links.add(new Contents.Link(url, kind)));
    }

    private Optional<String> meta(String property) {
        return attribute(document, "meta[property=" + property + "], meta[name=" + property + "]", "content");
    }

    private static Optional<String> attribute(Document document, String selector, String attribute) {
        Element element = document.selectFirst(selector);
        return element == null || element.attr(attribute).isBlank()
                ? Optional.empty()
                : Optional.of(element.attr(attribute));
    }

    private static @Nullable String text(String value) {
        return value.isBlank() ? null : value;
    }
}
