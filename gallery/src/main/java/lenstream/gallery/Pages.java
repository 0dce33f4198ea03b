package lenstream.gallery;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;

/** The site's texts: HTML, sitemaps, feed, robots. Pure functions of what is shown; {@code root} has no slash at its end. */
final class Pages {
    static final int PER_PAGE = 40;

    /** RFC 1123, as RSS and HTTP want it. */
    static final DateTimeFormatter HTTP_DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", java.util.Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    private static final String STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
            + "padding:0 1rem;color:#222;background:#fff}.pictures{display:grid;gap:1.5rem;"
            + "grid-template-columns:repeat(auto-fill,minmax(11rem,1fr))}figure{margin:0}"
            + "img{width:100%;height:10rem;object-fit:contain}figcaption{font-size:.85rem;color:#555}"
            + "nav a{margin-right:1rem}";

    /** Shows what the pages load lazily: {@code data-src} becomes {@code src}. */
    private static final String LAZY =
            "<script>document.querySelectorAll('img[data-src]').forEach(i=>i.src=i.dataset.src)</script>";

    private Pages() {}

    static String home(String root, Map<String, List<Exhibit>> albums, boolean hostile) {
        var body = new StringBuilder("<h1>The gallery</h1>\n<p>Photographs of many kinds of things.</p>\n<ul>\n");
        albums.forEach((name, shown) -> body.append(
                "<li><a href=\"%s\">%s</a> (%d)</li>\n".formatted(albumPath(name, 1), title(name), shown.size())));
        body.append("</ul>\n<p><a href=\"/feed.xml\">New pictures (RSS)</a> · <a href=\"/private/\">Staff only</a>");
        if (hostile) {
            body.append(" · <a href=\"/hostile/\">The hostile corner</a>");
        }
        body.append("</p>\n");
        String head = albums.values().stream()
                .flatMap(List::stream)
                .findFirst()
                .map(first -> openGraph(root, "The gallery", first.picture()))
                .orElse("");
        return page(
                "The gallery",
                head
                        + "<link rel=\"alternate\" type=\"application/rss+xml\" title=\"New pictures\" href=\"/feed.xml\">\n",
                body.toString());
    }

    static String albumPath(String album, int page) {
        return "/albums/" + album + "/" + page + ".html";
    }

    static int pagesOf(List<Exhibit> album) {
        return Math.max(1, (album.size() + PER_PAGE - 1) / PER_PAGE);
    }

    static List<Exhibit> onPage(List<Exhibit> album, int page) {
        return album.subList((page - 1) * PER_PAGE, Math.min(album.size(), page * PER_PAGE));
    }

    static String album(String root, String name, List<Exhibit> album, int page) {
        List<Exhibit> shown = onPage(album, page);
        var body = new StringBuilder("<h1>%s</h1>\n<div class=\"pictures\">\n".formatted(title(name)));
        for (int i = 0; i < shown.size(); i++) {
            body.append(figure(shown.get(i).picture(), i));
        }
        body.append("</div>\n<nav><a href=\"/\">Home</a>");
        for (int other = 1; other <= pagesOf(album); other++) {
            body.append("<a href=\"%s\">%d</a>".formatted(albumPath(name, other), other));
        }
        body.append("</nav>\n");
        String title = title(name) + ", page " + page;
        String head =
                shown.isEmpty() ? "" : openGraph(root, title, shown.getFirst().picture());
        return page(title, head, body.toString());
    }

    /** The ways in which pages of the web name their pictures: plain, lazy, srcset, picture with source. */
    private static String figure(Picture picture, int number) {
        String path = escape(picture.path());
        String alt = escape(picture.label());
        String size = "width=\"%d\" height=\"%d\"".formatted(picture.width(), picture.height());
        String image = switch (number % 4) {
            case 0 -> "<img src=\"%s\" alt=\"%s\" %s>".formatted(path, alt, size);
            case 1 ->
                "<img src=\"%s\" srcset=\"%s %dw\" sizes=\"11rem\" alt=\"%s\" loading=\"lazy\" %s>"
                        .formatted(path, path, picture.width(), alt, size);
            case 2 -> "<img data-src=\"%s\" alt=\"%s\" class=\"lazy\" %s>".formatted(path, alt, size);
            default ->
                "<picture><source srcset=\"%s 1x\" type=\"%s\"><img src=\"%s\" alt=\"%s\" loading=\"lazy\" %s></picture>"
                        .formatted(path, picture.mediaType(), path, alt, size);
        };
        return "<figure>%s<figcaption>%s</figcaption></figure>\n".formatted(image, alt);
    }

    static String hostile(List<Hostile> hostile) {
        var body = new StringBuilder("<h1>The hostile corner</h1>\n<p>Pictures that break careless programs.</p>\n"
                + "<div class=\"pictures\">\n");
        for (Hostile item : hostile) {
            body.append("<figure><img src=\"%s\" alt=\"%s\" loading=\"lazy\"><figcaption>%s</figcaption></figure>\n"
                    .formatted(escape(item.path()), escape(item.what()), escape(item.what())));
        }
        return page("The hostile corner", "", body + "</div>\n<nav><a href=\"/\">Home</a></nav>\n");
    }

    static String closed(List<String> paths) {
        var body = new StringBuilder("<h1>Staff only</h1>\n<p>robots.txt closes this folder to crawlers.</p>\n");
        paths.forEach(path -> body.append("<img src=\"%s\" alt=\"Not for crawlers\">\n".formatted(escape(path))));
        return page("Staff only", "", body.toString());
    }

    static String robots(String root) {
        return "User-agent: *\nDisallow: /private/\n\nSitemap: " + root + "/sitemap.xml\n";
    }

    static String sitemapIndex(String root, List<String> sitemaps, String modified) {
        var xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + "<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
        sitemaps.forEach(path -> xml.append(
                "<sitemap><loc>%s%s</loc><lastmod>%s</lastmod></sitemap>\n".formatted(root, path, modified)));
        return xml.append("</sitemapindex>\n").toString();
    }

    /** One url entry an album page, with the pictures of that page that belong to {@code channel}. */
    static String sitemap(String root, Map<String, List<Exhibit>> albums, Exhibit.Channel channel) {
        var xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\""
                + " xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\">\n");
        albums.forEach((name, album) -> {
            for (int page = 1; page <= pagesOf(album); page++) {
                List<Exhibit> listed = onPage(album, page).stream()
                        .filter(exhibit -> exhibit.channel() == channel)
                        .toList();
                if (listed.isEmpty()) {
                    continue;
                }
                String modified = listed.stream()
                        .map(Exhibit::modified)
                        .max(java.util.Comparator.naturalOrder())
                        .orElseThrow()
                        .toString();
                xml.append(
                        "<url><loc>%s%s</loc><lastmod>%s</lastmod>\n".formatted(root, albumPath(name, page), modified));
                for (Exhibit exhibit : listed) {
                    xml.append("<image:image><image:loc>%s%s</image:loc><image:title>%s</image:title></image:image>\n"
                            .formatted(
                                    root,
                                    escape(exhibit.picture().path()),
                                    escape(exhibit.picture().label())));
                }
                xml.append("</url>\n");
            }
        });
        return xml.append("</urlset>\n").toString();
    }

    /** RSS 2.0: enclosures and media:content take turns. */
    static String feed(String root, Map<String, List<Exhibit>> albums) {
        var xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + "<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel>\n"
                + "<title>The gallery: new pictures</title><link>" + root + "/</link>"
                + "<description>Photographs of many kinds of things</description>\n");
        int number = 0;
        for (var album : albums.entrySet()) {
            for (int i = 0; i < album.getValue().size(); i++) {
                Exhibit exhibit = album.getValue().get(i);
                if (exhibit.channel() != Exhibit.Channel.FEED) {
                    continue;
                }
                Picture picture = exhibit.picture();
                String url = root + escape(picture.path());
                xml.append(
                        "<item><title>%s</title><link>%s%s</link><guid isPermaLink=\"false\">%s</guid><pubDate>%s</pubDate>"
                                .formatted(
                                        escape(picture.label()),
                                        root,
                                        albumPath(album.getKey(), i / PER_PAGE + 1),
                                        picture.sha256(),
                                        HTTP_DATE.format(exhibit.published())));
                if (number++ % 2 == 0) {
                    xml.append("<enclosure url=\"%s\" type=\"%s\" length=\"%d\"/>"
                            .formatted(url, exhibit.mediaType(), exhibit.body().length));
                } else {
                    xml.append(
                            "<media:content url=\"%s\" type=\"%s\" medium=\"image\" width=\"%d\" height=\"%d\"><media:title>%s</media:title></media:content>"
                                    .formatted(
                                            url,
                                            exhibit.mediaType(),
                                            picture.width(),
                                            picture.height(),
                                            escape(picture.label())));
                }
                xml.append("</item>\n");
            }
        }
        return xml.append("</channel></rss>\n").toString();
    }

    private static String openGraph(String root, String title, Picture picture) {
        return "<meta property=\"og:title\" content=\"%s\">\n<meta property=\"og:image\" content=\"%s%s\">\n<meta property=\"og:image:alt\" content=\"%s\">\n"
                .formatted(escape(title), root, escape(picture.path()), escape(picture.label()));
    }

    private static String page(String title, String head, String body) {
        return "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>%s</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n%s<style>%s</style></head>\n<body>\n%s%s\n</body></html>\n"
                .formatted(escape(title), head, STYLE, body, LAZY);
    }

    private static String title(String album) {
        return Character.toUpperCase(album.charAt(0)) + album.substring(1);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
