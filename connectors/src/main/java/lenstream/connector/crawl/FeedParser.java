package lenstream.connector.crawl;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.jsoup.parser.Parser;
import org.jspecify.annotations.Nullable;

/**
 * Reads RSS, Atom (both with Media RSS) and JSON Feed. An item with images gives these; one without gives its page to
 * look at. The XML reader forgives broken feeds and knows no document types or external entities, so there is nothing to
 * expand. Thread-safe.
 */
final class FeedParser {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String BASE = "xml:base";

    private FeedParser() {}

    /**
     * What a feed says.
     *
     * @param charset from the answer's Content-Type; null if it says none
     * @throws IOException if this is no feed
     */
    static Contents parse(CanonicalUrl url, byte[] body, @Nullable String charset, long nowMillis) throws IOException {
        var collected = new Collected();
        if (isJson(body)) {
            JsonNode feed = JSON.readTree(body);
            for (JsonNode item : feed.path("items")) {
                json(url, item, nowMillis, collected);
            }
            collected.next(url, text(feed, "next_url"));
        } else {
            var document = Jsoup.parse(XmlText.decode(body, charset), url.value(), Parser.xmlParser());
            FeedPrefixes.makeUsual(document);
            for (Element item : document.select("item, entry")) {
                xml(url, item, nowMillis, collected);
            }
            collected.next(url, first(further(document, "next"), further(document, "prev-archive")));
        }
        return new Contents(Kind.FEED, collected.images, collected.links);
    }

    /** Where a feed goes on: in the next of its pages, or in the archive of what was in it before (RFC 5005 §3, §4). */
    private static @Nullable String further(Element document, String rel) {
        Element link = document.selectFirst(
                "feed > link[rel=%1$s], channel > link[rel=%1$s], channel > atom|link[rel=%1$s]".formatted(rel));
        return link == null ? null : link.attr("href");
    }

    /** The link to the page of a feed that comes after this one (RFC 5005 §3). */
    static Contents.Link nextPage(CanonicalUrl url) {
        return new Contents.Link(url, Kind.FEED, CrawlTarget.UNKNOWN_TIME, true);
    }

    static boolean isJson(byte[] body) {
        int at = body.length > 2 && body[0] == (byte) 0xef ? 3 : 0;
        while (at < body.length && body[at] >= 0 && body[at] <= ' ') {
            at++;
        }
        return at < body.length && body[at] == '{';
    }

    private static void xml(CanonicalUrl feed, Element item, long nowMillis, Collected collected) {
        CanonicalUrl base = base(item, feed);
        CanonicalUrl page = link(item).flatMap(base::resolve).orElse(null);
        String title = text(item, "title");
        String credit = first(text(item, "media:credit"), text(item, "dc:creator"), text(item, "author > name"));
        String license = first(
                attribute(item, "media:license", "href"),
                attribute(item, "link[rel=license]", "href"),
                text(item, "creativeCommons:license"));
        String created = first(text(item, "dcterms:issued"), text(item, "dcterms:created"), text(item, "issued"));
        String updated = first(
                text(item, "updated"),
                text(item, "dcterms:modified"),
                text(item, "modified"),
                text(item, "pubDate"),
                text(item, "published"),
                text(item, "dc:date"),
                created);
        long published = Dates.parse(
                first(text(item, "published"), text(item, "pubDate"), text(item, "dc:date"), created, updated),
                nowMillis);
        int stamp = updated == null ? 0 : updated.hashCode() | 1;
        var images = new ArrayList<FoundImage>();
        for (Element media : item.select("media|content, media|group > media|content")) {
            if (isImage(media.attr("medium"), media.attr("type"), media.attr("url"))) {
                String mediaTitle = first(said(media, "media:title"), title);
                base.resolve(media.attr("url").strip())
                        .map(url -> FoundImage.of(url, page, "feed")
                                .withTexts(mediaTitle, null, said(media, "media:description"))
                                .withRights(
                                        said(media, "media:credit"),
                                        said(media, element -> attribute(element, "media:license", "href"))))
                        .ifPresent(images::add);
            }
        }
        for (Element enclosure : item.select("enclosure[url], link[rel=enclosure]")) {
            String at = enclosure.hasAttr("url") ? enclosure.attr("url") : enclosure.attr("href");
            if (isImage("", enclosure.attr("type"), at)) {
                add(images, base, page, at, title, null);
            }
        }
        for (String at : products(item)) {
            add(images, base, page, at, title, null);
        }
        for (String name : List.of("content:encoded", "content", "description", "summary")) {
            Element text = child(item, name);
            String html = text == null ? "" : text.childrenSize() > 0 ? text.html() : text.text();
            if (text != null && html.contains("<img")) {
                CanonicalUrl shown = hasBase(text) || page == null ? base(text, feed) : page;
                images.addAll(withTitle(PageImages.inFragment(html, shown, page), title));
            }
        }
        if (images.isEmpty()) {
            for (Element cover : item.select("> itunes|image[href]")) {
                add(images, base, page, cover.attr("href"), title, null);
            }
            String own = first(text(item, "image > url"), text(item, "image"));
            if (own != null) {
                add(images, base, page, own, title, null);
            }
        }
        if (images.isEmpty()) {
            for (Element thumbnail : item.select("media|thumbnail[url]")) {
                add(images, base, page, thumbnail.attr("url"), title, null);
            }
        }
        collected.add(images, page, credit, license, published, stamp);
    }

    /** What Media RSS says of a picture: its own element first, then the group's, then the item's. */
    private static @Nullable String said(Element media, String name) {
        return said(media, element -> text(element, name));
    }

    private static @Nullable String said(Element media, Function<Element, @Nullable String> own) {
        Element parent = media.parent();
        String here = own.apply(media);
        return here != null || parent == null || parent.tagName().equals("channel") ? here : said(parent, own);
    }

    /** Images of a merchant's item, as shopping sites name them in their feeds. */
    private static List<String> products(Element item) {
        return item.children().stream()
                .filter(child -> child.tagName().equals("g:image_link")
                        || child.tagName().equals("g:additional_image_link"))
                .map(Element::text)
                .toList();
    }

    /** What relative references in an element begin at (XML Base). */
    private static CanonicalUrl base(Element element, CanonicalUrl feed) {
        Element parent = element.parent();
        CanonicalUrl outer = parent == null ? feed : base(parent, feed);
        return element.hasAttr(BASE) ? outer.resolve(element.attr(BASE)).orElse(outer) : outer;
    }

    private static boolean hasBase(Element element) {
        Element parent = element.parent();
        return element.hasAttr(BASE) || (parent != null && hasBase(parent));
    }

    private static void json(CanonicalUrl feed, JsonNode item, long nowMillis, Collected collected) {
        String link = first(text(item, "url"), text(item, "external_url"));
        CanonicalUrl page = Optional.ofNullable(link).flatMap(feed::resolve).orElse(null);
        String title = text(item, "title");
        String updated = first(text(item, "date_modified"), text(item, "date_published"));
        var images = new ArrayList<FoundImage>();
        for (String key : List.of("image", "banner_image")) {
            String at = text(item, key);
            if (at != null) {
                add(images, feed, page, at, title, null);
            }
        }
        for (JsonNode attachment : item.path("attachments")) {
            String at = text(attachment, "url");
            if (at != null && isImage("", text(attachment, "mime_type"), at)) {
                add(images, feed, page, at, first(text(attachment, "title"), title), null);
            }
        }
        String html = text(item, "content_html");
        if (html != null && html.contains("<img")) {
            images.addAll(withTitle(PageImages.inFragment(html, page == null ? feed : page, page), title));
        }
        String credit = first(text(item.path("authors").path(0), "name"), text(item.path("author"), "name"));
        long published = Dates.parse(first(text(item, "date_published"), updated), nowMillis);
        collected.add(images, page, credit, null, published, updated == null ? 0 : updated.hashCode() | 1);
    }

    private static List<FoundImage> withTitle(List<FoundImage> images, @Nullable String title) {
        return images.stream()
                .map(image -> image.withTexts(first(image.title(), title), image.alt(), image.caption()))
                .map(image -> new FoundImage(
                        image.url(),
                        image.pageUrl(),
                        image.title(),
                        image.alt(),
                        image.caption(),
                        null,
                        null,
                        CrawlTarget.UNKNOWN_TIME,
                        0,
                        "feed"))
                .toList();
    }

    private static void add(
            List<FoundImage> images,
            CanonicalUrl feed,
            @Nullable CanonicalUrl page,
            String reference,
            @Nullable String title,
            @Nullable String caption) {
        feed.resolve(reference.strip())
                .ifPresent(url -> images.add(FoundImage.of(url, page, "feed").withTexts(title, null, caption)));
    }

    private static boolean isImage(String medium, @Nullable String type, String url) {
        if (!medium.isEmpty()) {
            return medium.equals("image");
        }
        return type == null || type.isEmpty()
                ? url.toLowerCase(Locale.ROOT).matches(".*\\.(jpe?g|png|webp|gif|avif|bmp|tiff?)(\\?.*)?")
                : type.startsWith("image"); // of "image/jpeg" some keep the first half
    }

    private static Optional<String> link(Element item) {
        for (Element link : item.children()) {
            if (link.normalName().equals("link")) {
                if (link.hasAttr("href")
                        && (link.attr("rel").isEmpty() || link.attr("rel").equals("alternate"))) {
                    return Optional.of(link.attr("href"));
                } else if (!link.hasAttr("href") && !link.text().isBlank()) {
                    return Optional.of(link.text());
                }
            }
        }
        String guid = first(text(item, "guid"), text(item, "id")); // what has no link is often known by its address
        return guid != null && guid.regionMatches(true, 0, "http", 0, 4) ? Optional.of(guid) : Optional.empty();
    }

    /** Text of a child; {@code a > b} names a grandchild. */
    private static @Nullable String text(Element item, String name) {
        int step = name.indexOf(" > ");
        String head = step < 0 ? name : name.substring(0, step);
        for (Element child : item.children()) {
            if (child.tagName().equalsIgnoreCase(head)) {
                String text = step < 0 ? child.text() : text(child, name.substring(step + 3));
                if (text != null && !text.isBlank()) {
                    return text;
                }
            }
        }
        return null;
    }

    private static @Nullable Element child(Element item, String name) {
        return item.children().stream()
                .filter(child -> child.tagName().equals(name))
                .findFirst()
                .orElse(null);
    }

    private static @Nullable String attribute(Element item, String name, String attribute) {
        int bracket = name.indexOf('[');
        for (Element child : item.children()) {
            boolean matches = bracket < 0 ? child.tagName().equals(name) : child.is(name);
            if (matches && child.hasAttr(attribute)) {
                return child.attr(attribute);
            }
        }
        return null;
    }

    private static @Nullable String text(JsonNode node, String key) {
        JsonNode value = node.path(key);
        return value.isTextual() && !value.asText().isBlank() ? value.asText() : null;
    }

    private static @Nullable String first(@Nullable String... candidates) {
        for (String candidate : candidates) {
            if (candidate != null && !candidate.isBlank()) {
                return candidate;
            }
        }
        return null;
    }

    /** What the items so far gave. */
    private static final class Collected {
        private final List<FoundImage> images = new ArrayList<>();
        private final List<Contents.Link> links = new ArrayList<>();

        void add(
                List<FoundImage> found,
                @Nullable CanonicalUrl page,
                @Nullable String credit,
                @Nullable String license,
                long published,
                int stamp) {
            for (FoundImage image : found) {
                images.add(image.withRights(first(image.credit(), credit), first(image.license(), license))
                        .withPublished(published, stamp));
            }
            if (found.isEmpty() && page != null) {
                links.add(new Contents.Link(page, Kind.PAGE, published, false));
            }
        }

        void next(CanonicalUrl feed, @Nullable String reference) {
            if (reference != null && !reference.isBlank()) {
                feed.resolve(reference).ifPresent(url -> links.add(nextPage(url)));
            }
        }
    }
}
