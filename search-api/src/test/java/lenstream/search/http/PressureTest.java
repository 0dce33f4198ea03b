package lenstream.search.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PressureTest {
    private static final long MILLI = 1_000_000;

    private final Pressure pressure = new Pressure();
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
    void aQueueThatIsNeverEmptyIsNone() {
        assertThat(after(100, 0)).isFalse();
    }

    @Test
    void aFullQueueIsUntilTheQueueIsOftenEmpty() {
        pressure.rise(now);
        assertThat(after(100, 2)).isTrue();
        assertThat(after(20, 3)).isFalse();
    }

    @Test
    void restEndsIt() {
        pressure.rise(now);
        now += 1_000 * MILLI;
        assertThat(pressure.isHigh(now, true)).isFalse();
    }
}
