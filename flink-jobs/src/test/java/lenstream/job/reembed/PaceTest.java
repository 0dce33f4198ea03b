package lenstream.job.reembed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void asksForMoreWhileSearchesAreCalmAndForHalfOnceTheyTakeMuchLonger() {
        var pace = new Pace(Double.POSITIVE_INFINITY);
        for (int i = 0; i < 10; i++) {
            pace.observe(25, 25 * 4);
        }
        double calm = pace.perSecond();
        assertThat(calm).isEqualTo(Pace.START + 10);
        pace.observe(25, 25 * 9);
        assertThat(pace.perSecond()).isEqualTo(calm / 2);
        for (int i = 0; i < 20; i++) {
            pace.observe(25, 25 * 100);
        }
        assertThat(pace.perSecond()).as("it never stops").isEqualTo(2);
        pace.observe(25, 25 * 5);
        assertThat(pace.perSecond()).isEqualTo(3);
    }

    @Test
    void nobodyWhoSearchesIsNobodyToWaitFor() {
        var pace = new Pace(Double.POSITIVE_INFINITY);
        for (int i = 0; i < 10; i++) {
            pace.observe(0, 0);
        }
        assertThat(pace.reserve(5)).isZero();
        assertThat(pace.reserve(5)).isZero();
    }

    @Test
    void fewSearchesAreNoMeasure() {
        var pace = new Pace(Double.POSITIVE_INFINITY);
        pace.observe(25, 25);
        double before = pace.perSecond();
        pace.observe(2, 2_000);
        assertThat(pace.perSecond()).isEqualTo(before);
    }

    @Test
    void neverMoreThanIsAllowed() {
        var pace = new Pace(1);
        for (int i = 0; i < 10; i++) {
            pace.observe(0, 0);
        }
        assertThat(pace.perSecond()).isEqualTo(1);
        pace.observe(25, 25);
        pace.observe(25, 2_500);
        assertThat(pace.perSecond()).isLessThanOrEqualTo(1);
        assertThatThrownBy(() -> new Pace(0)).hasMessageContaining("rate must be above 0");
    }

    @Test
    void imagesAreSpreadEvenlyAndAPauseIsNotMadeUpFor() {
        var pace = new Pace(4);
        assertThat(pace.reserve(0)).isZero();
        assertThat(pace.reserve(0)).isEqualTo(SECOND / 4);
        assertThat(pace.reserve(SECOND / 4)).isEqualTo(SECOND / 4);
        assertThat(pace.reserve(60 * SECOND)).isZero();
        assertThat(pace.reserve(60 * SECOND)).isEqualTo(SECOND / 4);
    }
}
