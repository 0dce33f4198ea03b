package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FetchConfigTest {
    @Test
    void theQueueOfASubtaskHoldsManySitesOfTheLargestUsualSize() {
        assertThat(FetchConfig.defaults().maxPending()).isGreaterThanOrEqualTo(100 * 100_000);
    }
}
