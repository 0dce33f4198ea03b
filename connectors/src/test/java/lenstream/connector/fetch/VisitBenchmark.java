package lenstream.connector.fetch;

import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;
import lenstream.core.image.CrawlTarget;

/**
 * How many image URLs the visit operator takes up in a second on one core, as more and more are known; how much heap and
 * disk it keeps for each.
 *
 * <p>For each size: the operator is filled up to it by visits of new URLs over 1,000 URLs a host; then a window of new URLs
 * is measured, one of known URLs that discovery names again (each is asked for conditionally and found unchanged), site by
 * site as it does and once at random, and one of URLs whose own schedule brings them back. A run on one core, with 256 MiB for RocksDB's caches and write buffers:
 *
 * <pre>{@code
 * mvn -q -pl core,connectors test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/classpath
 * taskset -c 0 java -Xmx512m -XX:+UseSerialGC -cp connectors/target/test-classes:$(cat /tmp/classpath) \
 *   lenstream.connector.fetch.VisitBenchmark job 256 10000 100000 1000000 10000000
 * }</pre>
 */
final class VisitBenchmark {
    private static final int URLS_A_HOST = 1_000;
    private static final int WINDOW = 50_000;

    private final VisitBench bench;
    private final SplittableRandom random = new SplittableRandom(1);
    private int known;

    private VisitBenchmark(VisitBench bench) {
        this.bench = bench;
    }

    /**
     * Prints a line for each size.
     *
     * @param args {@code job} or {@code plain}: how RocksDB is set; mebibytes for RocksDB; then sizes in rising order, of
     *     which the first also warms up
     */
    public static void main(String[] args) throws Exception {
        System.out.println(
                "known new_urls_per_s named_by_site_urls_per_s named_at_random_urls_per_s revisits_per_s heap_bytes_per_url"
                        + " disk_bytes_per_url fill_urls_per_s");
        try (VisitBench bench = VisitBench.open(Integer.parseInt(args[1]), args[0].equals("job"))) {
            var benchmark = new VisitBenchmark(bench);
            long empty = heap();
            for (int i = 2; i < args.length; i++) {
                System.out.println(benchmark.measure(Integer.parseInt(args[i]), empty));
            }
        }
    }

    private String measure(int size, long empty) throws Exception {
        int from = known;
        int window = Math.min(WINDOW, size / 2);
        long start = System.nanoTime();
        fill(size - window - known);
        double filled = (known - from) / seconds(start);
        start = System.nanoTime();
        fill(window);
        double fresh = window / seconds(start);
        start = System.nanoTime();
        for (int i = 0; i < window; i += URLS_A_HOST) {
            int host = random.nextInt(known / URLS_A_HOST);
            for (int url = 0; url < URLS_A_HOST; url++) {
                bench.send(target(host * URLS_A_HOST + url));
            }
        }
        bench.drain();
        double bySite = window / seconds(start);
        start = System.nanoTime();
        for (int i = 0; i < window; i++) {
            bench.send(target(random.nextInt(known)));
        }
        bench.drain();
        double atRandom = window / seconds(start);
        long heap = (heap() - empty) / known;
        return String.format(
                Locale.ROOT,
                "%d %.0f %.0f %.0f %s %d %d %.0f",
                size,
                fresh,
                bySite,
                atRandom,
                revisits(),
                heap,
                bench.diskBytes() / known,
                filled);
    }

    /** Everything known is due once; only the small sizes are visited to the end. */
    private String revisits() throws Exception {
        if (known > 4 * WINDOW) {
            return "-";
        }
        long before = bench.visits();
        long start = System.nanoTime();
        bench.later(Duration.ofDays(60));
        return String.format(Locale.ROOT, "%.0f", (bench.visits() - before) / seconds(start));
    }

    private void fill(int count) throws Exception {
        int until = known + count;
        while (known < until) {
            bench.send(target(known++));
        }
        bench.drain();
    }

    private static CrawlTarget target(int number) {
        int hostNumber = number / URLS_A_HOST;
        String host = "10." + (hostNumber >> 16) + "." + (hostNumber >> 8 & 255) + "." + (hostNumber & 255);
        String url = "http://" + host + "/images/" + number % URLS_A_HOST + ".jpg";
        return new CrawlTarget(
                url,
                host,
                "http://" + host + "/",
                "http://" + host + "/articles/" + number / 3,
                "The title of the page",
                "what the picture shows, in a few words",
                null,
                null,
                null,
                CrawlTarget.UNKNOWN_TIME,
                System.currentTimeMillis(),
                "sitemap");
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
