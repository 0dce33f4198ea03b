package lenstream.job;

import java.util.Map;

/**
 * What a running index job has done since it started or was restored, summed over its subtasks. Immutable.
 *
 * @param readersDry readers of which every site has said all in this round
 * @param lists pages, sitemaps and feeds that discovery asked for
 * @param unread those that it could not read, and folders
 * @param found image URLs that discovery emitted
 * @param visitIn of those, taken up by the visit operator
 * @param visitPending waiting for their host, or being fetched
 * @param fetched downloaded, new or changed
 * @param unchanged found again as they were
 * @param fetchRejected not to be had
 * @param embedIn taken up by the embed operator
 * @param embedded turned into vectors
 * @param embedRejected no images, or broken ones
 * @param indexed images that the index took
 * @param stale documents for which the index holds a newer version
 * @param retried bulk items sent again
 * @param deadLetters documents that the index refuses
 * @param sinkPending entries buffered or in flight to the index, and changes of groups that are being gathered
 * @param archivesBroken archives that could not be read, or not to their end
 * @param freshnessP50Millis median from discovered to acknowledged; 0 before the first
 * @param freshnessP99Millis 99th percentile of the same
 */
public record CrawlCounts(
        long readersDry,
        long lists,
        long unread,
        long found,
        long visitIn,
        long visitPending,
        long fetched,
        long unchanged,
        long fetchRejected,
        long embedIn,
        long embedded,
        long embedRejected,
        long indexed,
        long stale,
        long retried,
        long deadLetters,
        long sinkPending,
        long archivesBroken,
        long freshnessP50Millis,
        long freshnessP99Millis) {

    public static final CrawlCounts NONE = of(Map.of());

    /** From metric names to their sums; what is missing is 0. */
    static CrawlCounts of(Map<String, Long> metrics) {
        return new CrawlCounts(
                metrics.getOrDefault("lenstream_sites_dry", 0L),
                metrics.getOrDefault("lenstream_discovery_visits", 0L),
                metrics.getOrDefault("lenstream_discovery_failed", 0L),
                metrics.getOrDefault("lenstream_found", 0L),
                metrics.getOrDefault("lenstream_visit_in", 0L),
                metrics.getOrDefault("lenstream_visit_pending", 0L),
                metrics.getOrDefault("lenstream_fetched", 0L),
                metrics.getOrDefault("lenstream_unchanged", 0L),
                metrics.getOrDefault("lenstream_fetch_rejected", 0L),
                metrics.getOrDefault("lenstream_embed_in", 0L),
                metrics.getOrDefault("lenstream_embedded", 0L),
                metrics.getOrDefault("lenstream_embed_rejected", 0L),
                metrics.getOrDefault("lenstream_images_written", 0L),
                metrics.getOrDefault("lenstream_stale", 0L),
                metrics.getOrDefault("lenstream_retried", 0L),
                metrics.getOrDefault("lenstream_dead_letters", 0L),
                metrics.getOrDefault("lenstream_sink_pending", 0L)
                        + metrics.getOrDefault("lenstream_groups_pending", 0L),
                metrics.getOrDefault("lenstream_archives_broken", 0L),
                metrics.getOrDefault("lenstream_freshness_p50_millis", 0L),
                metrics.getOrDefault("lenstream_freshness_p99_millis", 0L));
    }

    public long rejected() {
        return fetchRejected + embedRejected;
    }

    /** Whether what was fetched has also reached the index, so that these counts are final. */
    boolean isDrained() {
        return fetched <= embedIn && embedIn == embedded + embedRejected && sinkPending == 0;
    }
}
