package lenstream.cli;

import java.util.Locale;
import lenstream.job.CrawlCounts;

/** The counts of a run as one line for people. Immutable. */
final class CrawlReport {
    private final long startNanos;

    CrawlReport(long startNanos) {
        this.startNanos = startNanos;
    }

    /** found, fetched, embedded, indexed, rejected, rate and freshness. */
    String line(CrawlCounts counts) {
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        return String.format(
                Locale.ROOT,
                "found %,d  fetched %,d  embedded %,d  indexed %,d  unchanged %,d  rejected %,d  %.0f images/s  freshness %s",
                counts.found(),
                counts.fetched(),
                counts.embedded(),
                counts.indexed(),
                counts.unchanged(),
                counts.rejected(),
                seconds <= 0 ? 0 : counts.embedded() / seconds,
                freshness(counts));
    }

    /** Median and 99th percentile of discovered → acknowledged by the index. */
    static String freshness(CrawlCounts counts) {
        return counts.freshnessP50Millis() == 0
                ? "-"
                : String.format(
                        Locale.ROOT,
                        "p50 %.1f s, p99 %.1f s",
                        counts.freshnessP50Millis() / 1e3,
                        counts.freshnessP99Millis() / 1e3);
    }
}
