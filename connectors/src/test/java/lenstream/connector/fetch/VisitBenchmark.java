package lenstream.connector.fetch;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import lenstream.core.image.CrawlTarget;

/**
 * How many image URLs the visit operator takes up in a second on one core, as more and more are known; how much heap and
 * disk it keeps for each.
 *
 * <p>For each size: what is missing to it is {@code written} as if it had been visited, or {@code visited}, which takes ten
 * times as long; then each host is visited once (its robots.txt is read). Then a window of new URLs is measured, one of known
 * URLs that discovery names again (each is asked for conditionally and found unchanged), site by site as it does and once at
 * random, and one of URLs whose own schedule brings them back. A run on one core, with 256 MiB for RocksDB's caches and write
 * buffers and 1,000 URLs a host:
 *
 * <pre>{@code
 * mvn -q -pl core,connectors test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/classpath
 * taskset -c 0 java -Xmx512m -XX:+UseSerialGC -cp connectors/target/test-classes:$(cat /tmp/classpath) \
 *   lenstream.connector.fetch.VisitBenchmark job 256 1000 written 10000 100000 1000000 10000000
 * }</pre>
 */
final class VisitBenchmark {
    private static final int WINDOW = 50_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final VisitBench bench;
    private final int urlsOfHost;
    private final boolean isWritten;
    private final SplittableRandom random = new SplittableRandom(1);
    private int known;

    private VisitBenchmark(VisitBench bench, int urlsOfHost, boolean isWritten) {
        this.bench = bench;
        this.urlsOfHost = urlsOfHost;
        this.isWritten = isWritten;
    }

    /**
     * Prints a line for each size.
     *
     * @param args {@code job} or {@code plain}: how RocksDB is set; mebibytes for RocksDB; URLs of a host; {@code written}
     *     or {@code visited}; then sizes in rising order, of which the first also warms up
     */
    public static void main(String[] args) throws Exception {
        System.out.println(
                "known new named_by_site named_at_random revisits heap_bytes_per_url disk_bytes_per_url fill_urls_per_s\n"
                        + "of each: URLs/s, processor time a URL of the task's thread and of the process in microseconds");
        try (VisitBench bench = VisitBench.open(Integer.parseInt(args[1]), args[0].equals("job"))) {
            var benchmark = new VisitBenchmark(bench, Integer.parseInt(args[2]), args[3].equals("written"));
            long empty = heap();
            for (int i = 4; i < args.length; i++) {
                System.out.println(benchmark.measure(Integer.parseInt(args[i]), empty));
            }
        }
    }

    private String measure(int size, long empty) throws Exception {
        int from = known;
        int window = Math.min(WINDOW, size / 2);
        long start = System.nanoTime();
        if (isWritten) {
            write(size - window - known);
        } else {
            fill(size - window - known);
        }
        double filled = (known - from) / seconds(start);
        for (int host = 0; host < known / urlsOfHost; host++) {
            bench.send(target(host * urlsOfHost));
        }
        bench.drain();
        rest();
        var clock = new Clock();
        fill(window);
        String fresh = clock.of(window);
        clock = new Clock();
        for (int i = 0; i < window; i += urlsOfHost) {
            int host = random.nextInt(known / urlsOfHost);
            for (int url = 0; url < urlsOfHost; url++) {
                bench.send(target(host * urlsOfHost + url));
            }
        }
        bench.drain();
        String bySite = clock.of(window);
        clock = new Clock();
        for (int i = 0; i < window; i++) {
            bench.send(target(random.nextInt(known)));
        }
        bench.drain();
        String atRandom = clock.of(window);
        long heap = (heap() - empty) / known;
        return String.format(
                Locale.ROOT,
                "%d %s %s %s %s %d %d %.0f",
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
        var clock = new Clock();
        bench.later(Duration.ofDays(60));
        return clock.of(bench.visits() - before);
    }

    /** Waits until RocksDB has sorted what was written, for at most two minutes. */
    private static void rest() throws InterruptedException {
        for (int i = 0; i < 120; i++) {
            long before = PROCESS.getProcessCpuTime();
            TimeUnit.SECONDS.sleep(1);
            if (PROCESS.getProcessCpuTime() - before < TimeUnit.MILLISECONDS.toNanos(50)) {
                return;
            }
        }
    }

    private void fill(int count) throws Exception {
        int until = known + count;
        while (known < until) {
            bench.send(target(known++));
        }
        bench.drain();
    }

    private void write(int count) throws Exception {
        int until = known + count;
        while (known < until) {
            int last = Math.min(until, (known / urlsOfHost + 1) * urlsOfHost);
            bench.know(IntStream.range(known, last).mapToObj(this::target).toList());
            known = last;
        }
    }

    private CrawlTarget target(int number) {
        int hostNumber = number / urlsOfHost;
        String host = "10." + (hostNumber >> 16) + "." + (hostNumber >> 8 & 255) + "." + (hostNumber & 255);
        String url = "http://" + host + "/images/" + number % urlsOfHost + ".jpg";
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

    /** What a window takes. */
    private static final class Clock {
        private final long start = System.nanoTime();
        private final long task = THREADS.getCurrentThreadCpuTime();
        private final long process = PROCESS.getProcessCpuTime();

        String of(long urls) {
            return String.format(
                    Locale.ROOT,
                    "%.0f/s(%.1f,%.1f)",
                    urls / seconds(start),
                    (THREADS.getCurrentThreadCpuTime() - task) / 1e3 / urls,
                    (PROCESS.getProcessCpuTime() - process) / 1e3 / urls);
        }
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
