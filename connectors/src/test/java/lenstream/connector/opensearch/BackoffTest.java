package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void waitsDoubleWithTheItemsRefusalsUpToTheLongest() {
        var backoff = new Backoff(Duration.ofMillis(100), Duration.ofMillis(500), new SplittableRandom(1));
        assertThat(backoff.millis(1)).isBetween(50L, 100L);
        assertThat(backoff.millis(2)).isBetween(100L, 200L);
        assertThat(backoff.millis(3)).isBetween(200L, 400L);
        for (int refusals : new int[] {4, 31, 64, 1_000, Integer.MAX_VALUE}) {
            assertThat(backoff.millis(refusals)).isBetween(250L, 500L);
        }
        assertThat(backoff.millis(1)).as("another item").isBetween(50L, 100L);
    }

    @Test
    void itemsRefusedTogetherDoNotComeBackTogether() {
        var backoff = new Backoff(Duration.ofSeconds(10), Duration.ofSeconds(10), new SplittableRandom(1));
        assertThat(LongStream.range(0, 50)
                        .map(i -> backoff.millis(1))
                        .distinct()
                        .count())
                .isGreaterThan(40);
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
