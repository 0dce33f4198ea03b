package lenstream.connector.crawl;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.WebResponse;

/** Reads a page that was kept in an archive as the crawl reads one of the web, its robots directives included. */
public final class ArchivedPage {
    private ArchivedPage() {}

    /**
     * The images that the page names.
     *
     * @param archive that holds it
     * @param discoveredAtMillis epoch ms
     * @throws IOException if it is no page
     */
    public static List<CrawlTarget> images(WebResponse page, String archive, long discoveredAtMillis, String via)
            throws IOException {
        Contents contents = ResourceParser.parse(Kind.PAGE, page, Instant.ofEpochMilli(discoveredAtMillis));
        return contents.images().stream()
                .map(image -> image.target(archive, discoveredAtMillis).withVia(via))
                .toList();
    }
}
