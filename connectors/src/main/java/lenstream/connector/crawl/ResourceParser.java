package lenstream.connector.crawl;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lenstream.connector.fetch.RobotsDirectives;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;

/** Finds out what an answer is, by its bytes rather than its Content-Type, and reads it. Thread-safe. */
final class ResourceParser {
    private static final Pattern ROOT = Pattern.compile("<([a-zA-Z][a-zA-Z0-9_:-]*)", Pattern.CASE_INSENSITIVE);
    private static final Pattern CHARSET = Pattern.compile("charset\\s*=\\s*\"?([^\\s;\"]+)", Pattern.CASE_INSENSITIVE);
    private static final Pattern NEXT =
            Pattern.compile("<([^>]*)>\\s*;[^,<]*\\brel\\s*=\\s*\"?next\\b", Pattern.CASE_INSENSITIVE);
    private static final int SNIFF = 4096;

    private ResourceParser() {}

    /** @throws IOException if it is nothing that can name images */
    static Contents parse(Kind expected, WebResponse response, Instant now) throws IOException {
        byte[] body = XmlText.narrow(SitemapParser.unpacked(response.body()));
        var directives = RobotsDirectives.of(response, now);
        Kind kind = kind(expected, response, body);
        Contents contents = switch (kind) {
            case SITEMAP -> SitemapParser.parse(response.url(), body, now.toEpochMilli());
            case FEED ->
                withNextPage(response, FeedParser.parse(response.url(), body, charset(response), now.toEpochMilli()));
            case PAGE -> PageImages.parse(response.url(), body, charset(response), directives, now);
            case AUTO, ROBOTS ->
                throw new IOException(response.url() + ": neither sitemap nor feed nor page, Content-Type "
                        + response.header("content-type").orElse("not said"));
        };
        return directives.noIndex() && kind != Kind.SITEMAP
                ? new Contents(kind, java.util.List.of(), contents.links())
                : contents;
    }

    /** A feed that does not name its next page may have its header do so (RFC 8288). */
    private static Contents withNextPage(WebResponse response, Contents feed) {
        if (feed.links().stream().anyMatch(Contents.Link::next)) {
            return feed;
        }
        Matcher next = NEXT.matcher(String.join(",", response.headers("link")));
        var links = new ArrayList<>(feed.links());
        if (next.find()) {
            response.url().resolve(next.group(1)).ifPresent(url -> links.add(FeedParser.nextPage(url)));
        }
        return new Contents(feed.kind(), feed.images(), links);
    }

    private static Kind kind(Kind expected, WebResponse response, byte[] body) {
        String start = new String(body, 0, Math.min(body.length, SNIFF), StandardCharsets.ISO_8859_1);
        if (FeedParser.isJson(body)) {
            return start.contains("jsonfeed.org") || expected == Kind.FEED ? Kind.FEED : Kind.AUTO;
        }
        String type = response.header("content-type").orElse("").toLowerCase(Locale.ROOT);
        Matcher root = ROOT.matcher(start.replaceAll("(?s)<!--.*?-->", ""));
        String name = root.find() ? root.group(1).toLowerCase(Locale.ROOT) : "";
        switch (name.substring(name.indexOf(':') + 1)) {
            case "urlset", "sitemapindex" -> {
                return Kind.SITEMAP;
            }
            case "rss", "feed", "rdf" -> {
                return Kind.FEED;
            }
            case "" -> {
                return switch (expected) {
                    case SITEMAP -> Kind.SITEMAP; // a list of URLs, one a line
                    case FEED -> Kind.AUTO;
                    default -> type.contains("html") ? Kind.PAGE : Kind.AUTO; // words alone are a page, too
                };
            }
            default -> {
                boolean html = name.equals("html") || type.contains("html") || type.isEmpty();
                return html ? Kind.PAGE : expected == Kind.PAGE ? Kind.PAGE : Kind.AUTO;
            }
        }
    }

    private static @Nullable String charset(WebResponse response) {
        Matcher matcher = CHARSET.matcher(response.header("content-type").orElse(""));
        try {
            return matcher.find() && java.nio.charset.Charset.isSupported(matcher.group(1)) ? matcher.group(1) : null;
        } catch (IllegalArgumentException e) {
            return null; // a name that no charset can have
        }
    }
}
