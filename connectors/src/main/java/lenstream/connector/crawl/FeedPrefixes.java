package lenstream.connector.crawl;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jsoup.nodes.Attribute;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;

/**
 * Gives the elements of a feed the prefixes by which everybody knows them. A namespace is meant by its address, and a document
 * may call it what it likes; most use the usual names, and many forget to declare them, so the reader looks for these.
 */
final class FeedPrefixes {
    private static final Map<String, String> USUAL = Map.of(
            "search.yahoo.com/mrss", "media",
            "www.rssboard.org/media-rss", "media",
            "purl.org/dc/elements/1.1", "dc",
            "purl.org/dc/terms", "dcterms",
            "purl.org/rss/1.0/modules/content", "content",
            "www.itunes.com/dtds/podcast-1.0.dtd", "itunes",
            "www.w3.org/2005/atom", "atom",
            "base.google.com/ns/1.0", "g");

    /** What addresses are written with or without. */
    private static final Pattern OPTIONAL = Pattern.compile("^https?://|[/#]+$");

    private static final String DECLARATION = "xmlns:";

    private FeedPrefixes() {}

    /** Renames in place; a document that uses the usual names stays as it is. */
    static void makeUsual(Document feed) {
        var usual = new HashMap<String, String>();
        boolean isPlain = false;
        String items = null;
        for (Element element : feed.getAllElements()) {
            for (Attribute attribute : element.attributes()) {
                if (attribute.getKey().startsWith(DECLARATION)) {
                    String meant = USUAL.get(
                            OPTIONAL.matcher(attribute.getValue().strip().toLowerCase(Locale.ROOT))
                                    .replaceAll(""));
                    if (meant != null) {
                        usual.put(attribute.getKey().substring(DECLARATION.length()), meant);
                    }
                }
            }
            String name = element.tagName();
            int colon = name.indexOf(':');
            String local = name.substring(colon + 1);
            if (local.equals("item") || local.equals("entry")) {
                isPlain |= colon < 0;
                items = colon < 0 || items != null ? items : name.substring(0, colon);
            }
        }
        if (!isPlain && items != null) {
            usual.put(items, ""); // the feed's own elements carry a prefix, too
        }
        for (Element element : feed.getAllElements()) {
            String name = element.tagName();
            int colon = name.indexOf(':');
            String meant = colon < 0 ? null : usual.get(name.substring(0, colon));
            if (meant != null) {
                String local = name.substring(colon + 1);
                element.tagName(meant.isEmpty() ? local : meant + ':' + local);
            }
        }
    }
}
