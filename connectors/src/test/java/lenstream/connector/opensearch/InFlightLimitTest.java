package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.connector.base.sink.writer.strategy.BasicRequestInfo;
import org.apache.flink.connector.base.sink.writer.strategy.BasicResultInfo;
import org.junit.jupiter.api.Test;

class InFlightLimitTest {
    private final InFlightLimit limit = new InFlightLimit(320, 2);

    @Test
    void wholeBatchesAtFirst() {
        assertThat(limit.getMaxBatchSize()).isEqualTo(320);
        assertThat(limit.shouldBlock(new BasicRequestInfo(320))).isFalse();
        send(320);
        send(320);
        assertThat(limit.shouldBlock(new BasicRequestInfo(1))).isTrue();
    }

    @Test
    void aRefusalHalvesAndASuccessAdds() {
        refuse(320);
        assertThat(limit.entries()).isEqualTo(320);
        refuse(320);
        assertThat(limit.entries()).isEqualTo(160);
        assertThat(limit.getMaxBatchSize()).as("smaller batches").isEqualTo(160);
        take(160, 0);
        assertThat(limit.entries()).isEqualTo(200);
    }

    @Test
    void itNeverStopsAltogetherAndNeverExceedsWhatIsConfigured() {
        for (int i = 0; i < 50; i++) {
            refuse(10);
        }
        assertThat(limit.entries()).isEqualTo(10);
        assertThat(limit.shouldBlock(new BasicRequestInfo(10))).isFalse();
        for (int i = 0; i < 50; i++) {
            take(10, 0);
        }
        assertThat(limit.entries()).isEqualTo(640);
    }

    /** They come back to be written to another index, which says nothing of the cluster's load. */
    @Test
    void deadLettersAreNoOverload() {
        take(320, 300);
        assertThat(limit.entries()).isEqualTo(640);
    }

    private void send(int entries) {
        limit.registerInFlightRequest(new BasicRequestInfo(entries));
    }

    private void take(int entries, int deadLetters) {
        send(entries);
        limit.registerCompletedRequest(new BasicResultInfo(deadLetters, entries));
    }

    private void refuse(int entries) {
        send(entries);
        limit.refused();
        limit.registerCompletedRequest(new BasicResultInfo(1, entries));
    }
}
