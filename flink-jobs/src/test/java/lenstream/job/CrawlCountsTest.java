package lenstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrawlCountsTest {
    private static final Map<String, Long> AT_REST = Map.of(
            "lenstream_fetched", 5L,
            "lenstream_unchanged", 3L,
            "lenstream_fetch_rejected", 1L,
            "lenstream_embed_in", 5L,
            "lenstream_embedded", 4L,
            "lenstream_embed_rejected", 1L);

    @Test
    void aJobAtRestIsDrained() {
        CrawlCounts counts = CrawlCounts.of(AT_REST);
        assertThat(counts.isDrained()).isTrue();
        assertThat(counts.rejected()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"lenstream_fetched, 6", "lenstream_embedded, 3", "lenstream_sink_pending, 7"})
    void whatIsUnderWayIsNotDrained(String metric, long value) {
        assertThat(with(metric, value).isDrained()).isFalse();
    }

    @Test
    void whatCouldNotBeReadIsPartOfWhatWasAskedFor() {
        CrawlCounts counts =
                CrawlCounts.of(Map.of("lenstream_discovery_visits", 12L, "lenstream_discovery_failed", 2L));
        assertThat(counts.lists()).isEqualTo(12);
        assertThat(counts.unread()).isEqualTo(2);
    }

    private static CrawlCounts with(String metric, long value) {
        var metrics = new HashMap<>(AT_REST);
        metrics.put(metric, value);
        return CrawlCounts.of(metrics);
    }
}
