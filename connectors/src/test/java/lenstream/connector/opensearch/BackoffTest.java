package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void waitsDoubleUpToTheLongestAndStartAgainAfterASuccess() {
        var backoff = new Backoff(Duration.ofMillis(100), Duration.ofMillis(500), new SplittableRandom(1));
        assertThat(backoff.nextMillis()).isBetween(50L, 100L);
        assertThat(backoff.nextMillis()).isBetween(100L, 200L);
        assertThat(backoff.nextMillis()).isBetween(200L, 400L);
        for (int i = 0; i < 100; i++) {
            assertThat(backoff.nextMillis()).isBetween(250L, 500L);
        }
        backoff.reset();
        assertThat(backoff.nextMillis()).isBetween(50L, 100L);
    }

    @Test
    void percentilesAreOfTheLastValues() {
        var reservoir = new Reservoir();
        assertThat(reservoir.percentile(0.5)).isZero();
        for (int i = 1; i <= 2 * Reservoir.SIZE; i++) {
            reservoir.add(i);
        }
        assertThat(reservoir.percentile(0.5)).isEqualTo(Reservoir.SIZE + Reservoir.SIZE / 2);
        assertThat(reservoir.percentile(1)).isEqualTo(2 * Reservoir.SIZE);
    }
}
