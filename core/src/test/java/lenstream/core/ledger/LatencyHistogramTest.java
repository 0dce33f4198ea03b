package lenstream.core.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
    private static final Percentage HALF_A_CLASS = Percentage.withPercentage(4.5);

    @Test
    void percentilesAreOffByHalfAClassAtMost() {
        var histogram = new LatencyHistogram();
        for (int millis = 1; millis <= 100_000; millis++) {
            histogram.add(millis);
        }
        assertThat(histogram.percentileMillis(0.5)).isCloseTo(50_000, HALF_A_CLASS);
        assertThat(histogram.percentileMillis(0.9)).isCloseTo(90_000, HALF_A_CLASS);
        assertThat(histogram.percentileMillis(0.99)).isCloseTo(99_000, HALF_A_CLASS);
        assertThat(histogram.meanMillis()).isCloseTo(50_000, HALF_A_CLASS);
    }

    @Test
    void histogramsAddUpThroughTheirDocuments() {
        var one = new LatencyHistogram();
        var two = new LatencyHistogram();
        one.add(10);
        two.add(1_000);
        two.add(100_000);
        var sum = new LatencyHistogram();
        sum.add(LatencyHistogram.of(one.json()));
        sum.add(LatencyHistogram.of(two.json()));
        assertThat(sum.count()).isEqualTo(3);
        assertThat(sum.percentileMillis(0.5)).isCloseTo(1_000, HALF_A_CLASS);
    }

    @Test
    void nothingAndTheExtremesAreNoTrouble() {
        var histogram = new LatencyHistogram();
        assertThat(histogram.percentileMillis(0.5)).isZero();
        assertThat(histogram.meanMillis()).isZero();
        histogram.add(-5);
        assertThat(histogram.percentileMillis(0.5)).isCloseTo(1, within(0.001));
        histogram.add(Long.MAX_VALUE);
        assertThat(histogram.count()).isEqualTo(2);
    }
}
