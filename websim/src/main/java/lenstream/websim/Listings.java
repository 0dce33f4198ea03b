package lenstream.websim;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** What the hosts of a web say: robots.txt, sitemaps, feeds and pages, each made when it is asked for. Immutable. */
final class Listings {
    /**
     * One document.
     *
     * @param optsOut by a header
     */
    record Document(String type, byte[] body, boolean optsOut) {}

    private static final String IMAGES = " xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\"";
    private static final String NEWS = " xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\"";
    private static final String SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9";
    private static final long EPOCH = Instant.parse("2026-01-01T00:00:00Z").getEpochSecond();
    private static final DateTimeFormatter RFC_822 =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH);

    private final SimWeb web;

    Listings(SimWeb web) {
        this.web = web;
    }

    static String feed(int page) {
        return page == 0 ? "/feed" : "/feed/" + page;
    }

    private static String page(int list) {
        return "/articles/" + list;
    }

    /** The usual robots.txt of a host. */
    String robots(int host, int round) {
        var text = new StringBuilder();
        switch (web.temper(host)) {
            case CLOSED -> text.append("User-agent: lenstream\nDisallow: /\n\n");
            case CLOSED_LATER -> text.append(round >= 2 ? "User-agent: *\nDisallow: /\n" : "");
            case NOT_SEARCHABLE -> text.append("User-agent: *\nContent-Signal: search=no, ai-train=no\nAllow: /\n");
            case UNHURRIED ->
                text.append("User-agent: *\nCrawl-delay: ")
                        .append(web.delayNanos(host) / 1e9)
                        .append('\n');
            default -> {}
        }
        text.append("User-agent: *\nDisallow: /private/\n");
        if (host < web.plan().sites()) {
            String sitemap = switch (web.style(host)) {
                case SITEMAP, NEWS -> web.url(host, "/sitemap.xml");
                case SITEMAP_INDEX -> web.url(host, "/sitemap.xml");
                case MOVING_SITEMAP -> web.url(host, moving(round));
                case FOREIGN_SITEMAP -> web.url(web.listStore(host), "/maps/" + host + ".xml");
                default -> null;
            };
            if (sitemap != null) {
                text.append("\nSitemap: ").append(sitemap).append('\n');
            }
        }
        return text.toString();
    }

    private String moving(int round) {
        return "/maps/edition-" + (web.plan().calm() ? 1 : round) + ".xml";
    }

    /** What lies at a path of a host, other than images and robots.txt; null for nothing. */
    @Nullable
    Document at(int host, String path, int round) {
        if (host >= web.plan().sites()) {
            Integer site = number(path, "/maps/", ".xml");
            return site == null || !keeps(host, site) ? null : xml(sitemap(site, 0, web.lists(site), round));
        }
        Style style = web.style(host);
        if (path.equals("/")) {
            return html(home(host, style), false);
        }
        return switch (style) {
            case SITEMAP -> path.equals("/sitemap.xml") ? xml(sitemap(host, 0, web.lists(host), round)) : null;
            case MOVING_SITEMAP -> path.equals(moving(round)) ? xml(sitemap(host, 0, web.lists(host), round)) : null;
            case SITEMAP_INDEX -> {
                Integer list = number(path, "/maps/", ".xml.gz");
                yield path.equals("/sitemap.xml")
                        ? xml(index(host))
                        : list != null && list < web.lists(host)
                                ? new Document("application/gzip", gzip(sitemap(host, list, list + 1, round)), false)
                                : null;
            }
            case NEWS, PAGES -> {
                Integer list = number(path, "/articles/", "");
                yield path.equals("/sitemap.xml") && style == Style.NEWS
                        ? xml(news(host))
                        : list != null && list < web.lists(host) ? article(host, list, round) : null;
            }
            case RSS, ATOM, JSON_FEED -> {
                Integer page = path.equals(feed(0)) ? Integer.valueOf(0) : number(path, "/feed/", "");
                yield page != null && page < web.lists(host) ? feed(host, style, page, round) : null;
            }
            case FOREIGN_SITEMAP -> null;
        };
    }

    /** Whether a store has the sitemap of a site. */
    private boolean keeps(int store, int site) {
        return site < web.plan().sites() && web.style(site) == Style.FOREIGN_SITEMAP && web.listStore(site) == store;
    }

    private String home(int site, Style style) {
        var html = new StringBuilder("<!doctype html><html><head><title>Site ")
                .append(site)
                .append("</title>");
        if (style.isFeed()) {
            String type = switch (style) {
                case RSS -> "application/rss+xml";
                case ATOM -> "application/atom+xml";
                default -> "application/feed+json";
            };
            html.append("<link rel=\"alternate\" type=\"").append(type).append("\" href=\"/feed\">");
        }
        html.append("</head><body>");
        if (style == Style.PAGES) {
            html.append("<a href=\"").append(page(0)).append("\">begin</a>");
        }
        return html.append("</body></html>").toString();
    }

    private String index(int site) {
        String entries = IntStream.range(0, web.lists(site))
                .mapToObj(list -> "<sitemap><loc>" + web.url(site, "/maps/" + list + ".xml.gz") + "</loc></sitemap>")
                .collect(Collectors.joining());
        return "<sitemapindex xmlns=\"" + SITEMAPS + "\">" + entries + "</sitemapindex>";
    }

    private String sitemap(int site, int from, int to, int round) {
        var xml = new StringBuilder("<urlset xmlns=\"" + SITEMAPS + "\"" + IMAGES + ">");
        for (int list = from; list < to; list++) {
            for (SimImage image : web.listed(site, list, round)) {
                xml.append("<url><loc>")
                        .append(web.url(site, "/shows/" + image.number()))
                        .append("</loc><lastmod>")
                        .append(date(image, round))
                        .append("</lastmod><image:image><image:loc>")
                        .append(web.url(image))
                        .append("</image:loc></image:image></url>");
            }
        }
        return xml.append("</urlset>").toString();
    }

    private String news(int site) {
        var xml = new StringBuilder("<urlset xmlns=\"" + SITEMAPS + "\"" + NEWS + ">");
        for (int list = 0; list < web.lists(site); list++) {
            xml.append("<url><loc>")
                    .append(web.url(site, page(list)))
                    .append("</loc><news:news><news:publication><news:name>Site ")
                    .append(site)
                    .append("</news:name><news:language>en</news:language></news:publication>")
                    .append("<news:publication_date>2026-01-01T00:00:00Z</news:publication_date><news:title>Article ")
                    .append(list)
                    .append("</news:title></news:news></url>");
        }
        return xml.append("</urlset>").toString();
    }

    /** A page that shows the images of a list, each in another manner, and leads to the next page. */
    private Document article(int site, int list, int round) {
        boolean optsOut = web.optsOut(site, list);
        boolean byHeader = optsOut && list % 3 == 0;
        var head = new StringBuilder("<!doctype html><html><head><title>Article ")
                .append(list)
                .append("</title>");
        if (optsOut && !byHeader) {
            head.append(
                    list % 3 == 1
                            ? "<meta name=\"robots\" content=\"follow, noimageindex\">"
                            : "<meta name=\"tdm-reservation\" content=\"1\">");
        }
        var body = new StringBuilder("</head><body>");
        for (SimImage image : web.listed(site, list, round)) {
            String url = web.url(image);
            String trap = web.url(image.host(), "/traps/" + image.site() + "-" + image.number() + ".png");
            switch (image.number() % 7) {
                case 0 -> body.append("<figure><img src=\"").append(url).append("\" alt=\"plain\"></figure>");
                case 1 ->
                    body.append("<img src=\"" + trap + "\" srcset=\"" + trap + " 100w, " + url + " 800w\" alt=\"\">");
                case 2 -> body.append("<img src=\"data:image/gif;base64,AAAA\" data-src=\"" + url + "\">");
                case 3 ->
                    body.append("<picture><source srcset=\"" + trap + " 1x, " + url
                            + " 2x\"><img src=\"data:,\" alt=\"picture\"></picture>");
                case 4 ->
                    head.append("<meta property=\"og:image\" content=\"")
                            .append(url)
                            .append("\">");
                case 5 ->
                    head.append("<script type=\"application/ld+json\">{\"@context\":\"https://schema.org\",\"@graph\":"
                            + "[{\"@type\":\"ImageObject\",\"contentUrl\":\"" + url + "\"}]}</script>");
                default ->
                    head.append("<link rel=\"image_src\" href=\"").append(url).append("\">");
            }
        }
        if (list + 1 < web.lists(site)) {
            body.append("<a href=\"").append(page(list + 1)).append("\">next</a>");
        }
        return html(head.toString() + body + "</body></html>", byHeader);
    }

    private Document feed(int site, Style style, int page, int round) {
        List<SimImage> images = web.listed(site, page, round);
        String next = page + 1 < web.lists(site) ? web.url(site, feed(page + 1)) : null;
        var items = new StringBuilder();
        for (SimImage image : images) {
            String url = web.url(image);
            String shown = web.url(site, "/shows/" + image.number());
            items.append(
                    switch (style) {
                        case RSS ->
                            "<item><title>t</title><link>" + shown + "</link><pubDate>"
                                    + RFC_822.format(at(image, round).atOffset(ZoneOffset.UTC)) + "</pubDate>"
                                    + (image.number() % 2 == 0
                                            ? "<enclosure url=\"" + url + "\" type=\"image/png\" length=\"1\"/>"
                                            : "<media:content medium=\"image\" url=\"" + url + "\"/>")
                                    + "</item>";
                        case ATOM ->
                            "<entry><id>" + shown + "</id><title>t</title><link href=\"" + shown
                                    + "\"/><updated>" + date(image, round) + "</updated><content type=\"html\">"
                                    + "&lt;p&gt;&lt;img src=\"" + url + "\"&gt;&lt;/p&gt;</content></entry>";
                        default ->
                            (items.isEmpty() ? "" : ",") + "{\"id\":\"" + shown + "\",\"url\":\"" + shown
                                    + "\",\"image\":\"" + url + "\",\"date_modified\":\"" + date(image, round) + "\"}";
                    });
        }
        String link = next == null ? "" : next;
        return switch (style) {
            case RSS ->
                xml(
                        "<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>"
                                + (next == null ? "" : "<atom:link rel=\"next\" href=\"" + link + "\"/>") + items
                                + "</channel></rss>");
            case ATOM ->
                xml("<feed xmlns=\"http://www.w3.org/2005/Atom\">"
                        + (next == null ? "" : "<link rel=\"next\" href=\"" + link + "\"/>") + items + "</feed>");
            default ->
                new Document(
                        "application/feed+json",
                        ("{\"version\":\"https://jsonfeed.org/version/1.1\","
                                        + (next == null ? "" : "\"next_url\":\"" + link + "\",") + "\"items\":[" + items
                                        + "]}")
                                .getBytes(StandardCharsets.UTF_8),
                        false);
        };
    }

    /** When the list says that the image was last changed. */
    private Instant at(SimImage image, int round) {
        return Instant.ofEpochSecond(EPOCH + web.edition(image, round) * 3_600L + image.number());
    }

    private String date(SimImage image, int round) {
        return at(image, round).toString();
    }

    private static Document xml(String text) {
        return new Document("application/xml", text.getBytes(StandardCharsets.UTF_8), false);
    }

    private static Document html(String text, boolean optsOut) {
        return new Document("text/html; charset=utf-8", text.getBytes(StandardCharsets.UTF_8), optsOut);
    }

    private static byte[] gzip(String text) {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** The number between a beginning and an end; null if there is none. */
    static @Nullable Integer number(String path, String before, String after) {
        if (!path.startsWith(before) || !path.endsWith(after) || path.length() <= before.length() + after.length()) {
            return null;
        }
        String digits = path.substring(before.length(), path.length() - after.length());
        return digits.length() <= 9 && digits.chars().allMatch(c -> c >= '0' && c <= '9')
                ? Integer.valueOf(digits)
                : null;
    }
}
