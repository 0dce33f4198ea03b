package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import lenstream.core.image.Reason;
import org.junit.jupiter.api.Test;

class HostPolitenessTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ManualTicker ticker = new ManualTicker();
    private final HostPoliteness politeness =
            new HostPoliteness(1, Duration.ofSeconds(1), host -> Duration.ofSeconds(1), ticker);

    @Test
    void theFirstRequestStartsAtOnceAndTheNextAfterTheDelay() throws Exception {
        long start = ticker.millis();
        succeed("a");
        assertThat(ticker.millis()).isEqualTo(start);
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
        succeed("a");
        assertThat(ticker.millis() - start).isEqualTo(1_000);
    }

    @Test
    void theDelayBeginsWhenTheRequestBeforeHasEnded() throws Exception {
        try (var permit = politeness.acquire("a", PATIENCE)) {
            ticker.sleep(5_000);
            permit.succeeded();
        }
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
    }

    @Test
    void hostsRestAfterOthersMayHaveAskedThem() throws Exception {
        succeed("a");
        ticker.sleep(10_000);
        politeness.rest();
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
        long start = ticker.millis();
        succeed("unseen");
        assertThat(ticker.millis() - start).isEqualTo(1_000);
    }

    @Test
    void hostsDoNotWaitForEachOther() throws Exception {
        succeed("a");
        assertThat(politeness.waitMillis("b")).isZero();
    }

    @Test
    void aCrawlDelayRaisesTheDelayAndNeverLowersIt() throws Exception {
        politeness.crawlDelay("a", Duration.ofMillis(10));
        succeed("a");
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
        politeness.crawlDelay("a", Duration.ofSeconds(7));
        assertThat(politeness.waitMillis("a")).isEqualTo(7_000);
    }

    @Test
    void failuresDoubleThePauseAndASuccessEndsIt() throws Exception {
        fail("a", 0);
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
        fail("a", 0);
        assertThat(politeness.waitMillis("a")).isEqualTo(2_000);
        fail("a", 0);
        assertThat(politeness.waitMillis("a")).isEqualTo(4_000);
        succeed("a");
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
    }

    @Test
    void retryAfterIsKeptToEvenWhereItIsLonger() throws Exception {
        fail("a", 60_000);
        assertThat(politeness.waitMillis("a")).isEqualTo(60_000);
    }

    @Test
    void aHostThatKeepsFailingIsLeftAloneAndThenTriedOnce() throws Exception {
        for (int i = 0; i < HostPoliteness.FAILURES_TO_BREAK; i++) {
            try (var permit = politeness.acquire("a", Duration.ofHours(1))) {
                permit.failed(Reason.TIMEOUT, 0);
            }
        }
        assertThat(politeness.waitMillis("a")).isEqualTo(HostPoliteness.BREAK_MILLIS);
        assertThatThrownBy(() -> succeed("a")).isInstanceOfSatisfying(HostUnavailableException.class, e -> {
            assertThat(e.reason()).isEqualTo(Reason.TIMEOUT);
            assertThat(e.delayMillis()).isEqualTo(HostPoliteness.BREAK_MILLIS);
        });
        ticker.sleep(HostPoliteness.BREAK_MILLIS);
        succeed("a");
        assertThat(politeness.waitMillis("a")).isEqualTo(1_000);
    }

    @Test
    void aCrawlDelayBeyondThePatienceIsRefusedAfterTheFirstRequest() throws Exception {
        politeness.crawlDelay("a", Duration.ofHours(1));
        succeed("a");
        assertThatThrownBy(() -> succeed("a"))
                .isInstanceOf(HostUnavailableException.class)
                .hasMessageContaining("3600 s between requests");
    }

    private void succeed(String host) throws Exception {
        try (var permit = politeness.acquire(host, PATIENCE)) {
            permit.succeeded();
        }
    }

    private void fail(String host, long retryAfterMillis) throws Exception {
        try (var permit = politeness.acquire(host, PATIENCE)) {
            permit.failed(Reason.SERVER_ERROR, retryAfterMillis);
        }
    }
}
