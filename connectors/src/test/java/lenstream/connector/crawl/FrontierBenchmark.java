package lenstream.connector.crawl;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;

/**
 * How many image URLs the frontier takes up in a second on one core, and how much heap it keeps for each.
 *
 * <p>A site is walked by {@link SiteWalk} as in a job: its sitemap index, then sitemaps of 10,000 entries with an image
 * each, parsed, told apart, turned into targets and applied to a second {@link SiteState} as the reader does. The
 * transport is a map of prepared answers, so there is no network, no delay and no robots rule. A second, incremental round
 * follows in which every sitemap says something new of nothing: all is read, nothing is emitted. Run it for several sizes
 * to see whether the cost of a URL grows:
 *
 * <pre>{@code
 * mvn -q -pl core,connectors test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/classpath
 * taskset -c 0 java -Xmx2g -XX:+UseSerialGC -cp connectors/target/test-classes:$(cat /tmp/classpath) \
 *   lenstream.connector.crawl.FrontierBenchmark 10000 10000 100000 300000
 * }</pre>
 */
final class FrontierBenchmark {
    private static final String HOME = "https://example.org/";
    private static final int ENTRIES = 10_000;
    private static final Duration INTERVAL = Duration.ofMinutes(15);

    private long now = 1_790_000_000_000L;
    private final int urls;
    private int edition;

    private FrontierBenchmark(int urls) {
        this.urls = urls;
    }

    /** @param sizes image URLs of the site, multiples of 10,000; the first run also warms up */
    public static void main(String[] sizes) throws Exception {
        System.out.println("urls first_round_urls_per_s second_round_urls_per_s heap_bytes_per_known_url");
        for (String size : sizes) {
            System.out.println(new FrontierBenchmark(Integer.parseInt(size)).measure());
        }
    }

    private String measure() throws Exception {
        var site = new Site(HOME + "index.xml", "example.org", Kind.SITEMAP, INTERVAL, List.of(), List.of(), 1, urls);
        var state = new SiteState();
        long before = heap();
        long start = System.nanoTime();
        int found = round(site, state);
        double first = found / seconds(start);
        long perUrl = (heap() - before) / urls;
        now += Duration.ofHours(2).toMillis();
        edition++;
        start = System.nanoTime();
        int foundAgain = round(site, state);
        double second = urls / seconds(start);
        if (found != urls || foundAgain != 0 || state.seen().size() != urls) {
            throw new IllegalStateException("found " + found + " and " + foundAgain + " of " + urls);
        }
        return String.format(Locale.ROOT, "%d %.0f %.0f %d", urls, first, second, perUrl);
    }

    private int round(Site site, SiteState state) throws InterruptedException {
        var walk = new SiteWalk(site, state.copy(), "run", new PreparedWeb(), () -> now);
        int found = 0;
        do {
            for (SiteEvent event : walk.step()) {
                state.apply(event);
                found += event instanceof SiteEvent.Found ? 1 : 0;
            }
        } while (!walk.isDry());
        return found;
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    /** Heap in use after a collection. */
    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Makes each document when it is asked for, so that none of it is in the heap that is measured. */
    private final class PreparedWeb implements SiteWalk.Web {
        @Override
        public WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException {
            byte[] body =
                    (url.path().equals("/index.xml") ? index() : sitemap(url.path())).getBytes(StandardCharsets.UTF_8);
            var crc = new CRC32();
            crc.update(body);
            return new WebResponse(url, 200, Map.of("etag", List.of("\"" + crc.getValue() + "\"")), body);
        }

        @Override
        public List<String> sitemaps(CanonicalUrl url) {
            return List.of();
        }

        private String index() {
            var names = new ArrayList<String>();
            for (int from = 0; from < urls; from += ENTRIES) {
                names.add("<sitemap><loc>" + HOME + from + ".xml</loc></sitemap>");
            }
            return "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>" + String.join("", names)
                    + "</sitemapindex>";
        }

        private String sitemap(String path) {
            int from = Integer.parseInt(path.substring(1, path.indexOf('.')));
            var xml = new StringBuilder(
                    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>");
            for (int i = from; i < from + ENTRIES; i++) {
                xml.append("<url><loc>").append(HOME).append("news/article-").append(i);
                xml.append("</loc><lastmod>2026-05-01</lastmod><image:image><image:loc>")
                        .append(HOME);
                xml.append("images/").append(i).append(".jpg</image:loc></image:image></url>");
            }
            return xml.append("<!-- edition ")
                    .append(edition)
                    .append(" --></urlset>")
                    .toString();
        }
    }
}
