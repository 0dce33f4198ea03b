package lenstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrawlCountsTest {
    private static final Map<String, Long> AT_REST = Map.of(
            "lenstream_sites_dry", 2L,
            "lenstream_visitors", 2L,
            "lenstream_found", 9L,
            "lenstream_visit_in", 9L,
            "lenstream_fetched", 5L,
            "lenstream_unchanged", 3L,
            "lenstream_fetch_rejected", 1L,
            "lenstream_embed_in", 5L,
            "lenstream_embedded", 4L,
            "lenstream_embed_rejected", 1L);

    @Test
    void aJobAtRestIsDryAndDrained() {
        CrawlCounts counts = CrawlCounts.of(AT_REST);
        assertThat(counts.frontierIsDry(2)).isTrue();
        assertThat(counts.isDrained()).isTrue();
        assertThat(counts.rejected()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({
        "lenstream_sites_dry, 1", // a reader still has something to say
        "lenstream_visitors, 1", // a restart, and nothing is known yet of what waits there
        "lenstream_found, 10", // a target is between the operators
        "lenstream_visit_owed, 1" // a host is still waited for
    })
    void whatIsUnderWayIsNotDry(String metric, long value) {
        assertThat(with(metric, value).frontierIsDry(2)).isFalse();
    }

    @Test
    void whatFallsDueMeanwhileDoesNotKeepARunFromItsEnd() {
        assertThat(with("lenstream_visit_pending", 3).frontierIsDry(2)).isTrue();
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
