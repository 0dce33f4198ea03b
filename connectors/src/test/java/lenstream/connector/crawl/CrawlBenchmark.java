package lenstream.connector.crawl;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32;
import lenstream.connector.fetch.VisitBench;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;

/**
 * Discovery and visits as one, on one core: sites of 1,000 images each, a host each, are walked by {@link SiteWalk}, what
 * they name is applied to the reader's {@link SiteState}s, which stay in memory, and goes to the visit operator on RocksDB.
 * The first round finds everything new and "downloads" it; the second is another submission, which names everything again
 * and finds it unchanged by a conditional request each. No network, no delay. A run on one core:
 *
 * <pre>{@code
 * mvn -q -pl core,connectors test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/classpath
 * taskset -c 0 java -Xmx1g -XX:+UseSerialGC -cp connectors/target/test-classes:$(cat /tmp/classpath) \
 *   lenstream.connector.crawl.CrawlBenchmark 20000 100000 1000000
 * }</pre>
 */
final class CrawlBenchmark {
    private static final int IMAGES = 1_000;
    private static final Duration INTERVAL = Duration.ofMinutes(15);

    private final VisitBench visits;
    private final List<Site> sites = new ArrayList<>();
    private final List<SiteState> states = new ArrayList<>();

    private CrawlBenchmark(VisitBench visits, int urls) {
        this.visits = visits;
        for (int site = 0; site < urls / IMAGES; site++) {
            String home = "http://" + host(site) + "/";
            sites.add(new Site(
                    home + "sitemap.xml", host(site), Kind.SITEMAP, INTERVAL, List.of(), List.of(), 1, IMAGES));
            states.add(new SiteState());
        }
    }

    /** @param sizes image URLs, multiples of 1,000; the first run also warms up */
    public static void main(String[] sizes) throws Exception {
        System.out.println("urls new_urls_per_s known_urls_per_s heap_bytes_per_known_url");
        for (String size : sizes) {
            long before = heap();
            try (VisitBench visits = VisitBench.open(256, true)) {
                var benchmark = new CrawlBenchmark(visits, Integer.parseInt(size));
                double fresh = benchmark.round("first");
                long perUrl = (heap() - before) / Integer.parseInt(size);
                double known = benchmark.round("second");
                System.out.printf(Locale.ROOT, "%s %.0f %.0f %d%n", size, fresh, known, perUrl);
            }
        }
    }

    /** @return URLs a second that were found, visited and filed */
    private double round(String run) throws Exception {
        long before = visits.visits();
        long start = System.nanoTime();
        int found = 0;
        for (int i = 0; i < sites.size(); i++) {
            SiteState state = states.get(i);
            var walk = new SiteWalk(sites.get(i), state.copy(), run, new Sitemaps(), System::currentTimeMillis);
            do {
                for (SiteEvent event : walk.step()) {
                    state.apply(event);
                    if (event instanceof SiteEvent.Found image) {
                        visits.send(image.target());
                        found++;
                    }
                }
            } while (!walk.isDry());
        }
        visits.drain();
        double seconds = (System.nanoTime() - start) / 1e9;
        if (found != sites.size() * IMAGES || visits.visits() - before != found) {
            throw new IllegalStateException(
                    "found " + found + ", visited " + (visits.visits() - before) + " of " + sites.size() * IMAGES);
        }
        return found / seconds;
    }

    private static String host(int number) {
        return "10." + (number >> 16) + "." + (number >> 8 & 255) + "." + (number & 255);
    }

    /** Heap in use after a collection. */
    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** A sitemap for each host, made when it is asked for. */
    private static final class Sitemaps implements SiteWalk.Web {
        @Override
        public WebResponse get(CanonicalUrl url, Map<String, String> headers) {
            var xml = new StringBuilder("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
                    + " xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>");
            for (int i = 0; i < IMAGES; i++) {
                xml.append("<url><loc>")
                        .append(url.origin())
                        .append("/news/article-")
                        .append(i);
                xml.append("</loc><lastmod>2026-05-01</lastmod><image:image><image:loc>")
                        .append(url.origin());
                xml.append("/images/").append(i).append(".jpg</image:loc></image:image></url>");
            }
            byte[] body = xml.append("</urlset>").toString().getBytes(StandardCharsets.UTF_8);
            var crc = new CRC32();
            crc.update(body);
            return new WebResponse(url, 200, Map.of("etag", List.of("\"" + crc.getValue() + "\"")), body);
        }

        @Override
        public List<String> sitemaps(CanonicalUrl url) {
            return List.of();
        }
    }
}
