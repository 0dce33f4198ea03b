package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import lenstream.job.CrawlCounts;
import org.junit.jupiter.api.Test;

class CrawlReportTest {
    private final CrawlReport report = new CrawlReport(0);

    @Test
    void anIndexThatTakesNothingIsNamedUntilItTakesSomething() {
        assertThat(report.progress(counts(10, 40), seconds(1))).doesNotContain("OpenSearch");
        assertThat(report.progress(counts(10, 90), seconds(4))).doesNotContain("OpenSearch");
        assertThat(report.progress(counts(10, 90), seconds(7)))
                .contains("OpenSearch takes nothing at present")
                .contains("nothing is lost");
        assertThat(report.progress(counts(11, 89), seconds(8))).doesNotContain("OpenSearch");
    }

    @Test
    void aRunThatHasNothingToWriteWaitsForNobody() {
        assertThat(report.progress(counts(10, 0), seconds(60))).doesNotContain("OpenSearch");
    }

    private static CrawlCounts counts(long indexed, long sinkPending) {
        return new CrawlCounts(1, 5, 0, 100, 100, 0, 100, 0, 0, 100, 100, 0, indexed, 0, 0, 0, sinkPending, 0, 0, 0);
    }

    private static long seconds(long seconds) {
        return TimeUnit.SECONDS.toNanos(seconds);
    }
}
