package lenstream.search.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LogisticRegressionTest {
    @Test
    void itFindsTheCurveThatTheExamplesWereDrawnFrom() {
        var random = new Random(1);
        var x = new double[20_000][];
        var y = new boolean[x.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = new double[] {random.nextGaussian(), random.nextGaussian()};
            y[i] = random.nextDouble() < 1 / (1 + Math.exp(-(2 * x[i][0] - x[i][1] + 0.5)));
        }
        LogisticRegression line = LogisticRegression.fit(x, y, ones(x.length), 1e-3);
        assertThat(line.coefficients()[0]).isCloseTo(2, within(0.1));
        assertThat(line.coefficients()[1]).isCloseTo(-1, within(0.1));
        assertThat(line.intercept()).isCloseTo(0.5, within(0.1));
    }

    @Test
    void anExampleOfWeightTwoCountsAsTwo() {
        double[][] once = {{0}, {1}, {1}};
        boolean[] right = {false, true, false};
        double[][] twice = {{0}, {1}, {1}, {1}};
        boolean[] doubled = {false, true, true, false};
        // the ridge is scaled with the number of examples, for weights are scaled to a mean of one
        LogisticRegression weighted = LogisticRegression.fit(once, right, new double[] {1, 2, 1}, 0.3);
        LogisticRegression repeated = LogisticRegression.fit(twice, doubled, ones(4), 0.4);
        assertThat(weighted.coefficients()[0]).isCloseTo(repeated.coefficients()[0], within(1e-6));
        assertThat(weighted.intercept()).isCloseTo(repeated.intercept(), within(1e-6));
    }

    @Test
    void examplesThatOneValuePartsGrowNoFurtherThanTheRidgeLets() {
        double[][] x = {{-1}, {-0.9}, {0.9}, {1}};
        boolean[] y = {false, false, true, true};
        double loose = LogisticRegression.fit(x, y, ones(4), 1e-3).coefficients()[0];
        double tight = LogisticRegression.fit(x, y, ones(4), 1).coefficients()[0];
        assertThat(loose).isFinite().isGreaterThan(tight);
        assertThat(tight).isPositive();
    }

    private static double[] ones(int count) {
        var ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
