package lenstream.cli;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import lenstream.job.CrawlCounts;

/** The counts of a run as one line for people. Confined to one thread. */
final class CrawlReport {
    /** How long the index may take for anything before the person is told whom the run waits for. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final long startNanos;
    private long settled;
    private long settledNanos;

    CrawlReport(long startNanos) {
        this.startNanos = startNanos;
        this.settledNanos = startNanos;
    }

    /** As {@link #line}, and whom the run waits for if the index takes nothing. */
    String progress(CrawlCounts counts) {
        return progress(counts, System.nanoTime());
    }

    String progress(CrawlCounts counts, long nowNanos) {
        long now = counts.indexed() + counts.stale() + counts.deadLetters();
        if (now != settled || counts.sinkPending() == 0) {
            settled = now;
            settledNanos = nowNanos;
        }
        boolean waits = nowNanos - settledNanos > PATIENCE_NANOS;
        return line(counts)
                + (waits ? "  (OpenSearch takes nothing at present: see that it runs; nothing is lost)" : "");
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
