package lenstream.search.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PressureTest {
    private static final long MILLI = 1_000_000;

    private final Pressure pressure = new Pressure(0);
    private long now;

    /** So many times 10 ms of which some are without anyone who waits. */
    private boolean after(int tens, int emptyMillis) {
        boolean high = false;
        for (int i = 0; i < tens; i++) {
            now += emptyMillis * MILLI;
            pressure.isHigh(now, true);
            now += (10 - emptyMillis) * MILLI;
            high = pressure.isHigh(now, false);
        }
        return high;
    }

    @Test
    void aQueueThatEmptiesBetweenBurstsIsNoPressure() {
        assertThat(after(100, 1)).isFalse();
    }

    @Test
    void aQueueThatStandsIs() {
        assertThat(after(20, 0)).isTrue();
    }

    @Test
    void aShortQueueThatIsEmptyForAMomentIsStillPressureAndOneThatIsOftenEmptyIsNot() {
        after(20, 0);
        assertThat(after(100, 2)).isTrue();
        assertThat(after(20, 3)).isFalse();
    }

    @Test
    void restEndsIt() {
        after(20, 0);
        now += 1_000 * MILLI;
        assertThat(pressure.isHigh(now, true)).isFalse();
    }
}
