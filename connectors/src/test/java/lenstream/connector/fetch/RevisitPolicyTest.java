package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.image.Reason;
import org.junit.jupiter.api.Test;

class RevisitPolicyTest {
    private static final RevisitPolicy POLICY = RevisitPolicy.defaults();
    private static final Observation IMAGE = Observation.NONE.fetched(Validators.NONE, "aa", 1_000, 1_000);

    @Test
    void theIntervalStaysBetweenItsBounds() {
        Schedule schedule = POLICY.after(Schedule.NONE, Observation.NONE, IMAGE, 0, 1_000);
        assertThat(days(schedule, 1_000)).isBetween(1.0, 2.0);
        Observation last = IMAGE;
        long now = 1_000;
        for (int visit = 0; visit < 20; visit++) {
            now = schedule.dueAtMillis();
            Observation after = last.unchanged(Validators.NONE, now);
            schedule = POLICY.after(schedule, last, after, 0, now);
            last = after;
        }
        assertThat(days(schedule, now)).as("the ring above 30 days").isBetween(30.0, 60.0);
        for (int visit = 0; visit < 20; visit++) {
            now = schedule.dueAtMillis();
            Observation after = last.fetched(Validators.NONE, "b" + visit, now, now);
            schedule = POLICY.after(schedule, last, after, 0, now);
            last = after;
        }
        assertThat(days(schedule, now) * 24).isBetween(1.0, 2.0);
    }

    @Test
    void beingNamedOftenDoesNotStretchTheInterval() {
        Schedule first = POLICY.after(Schedule.NONE, Observation.NONE, IMAGE, 0, 1_000);
        Schedule named = POLICY.after(first, IMAGE, IMAGE.unchanged(Validators.NONE, 60_000), 60_000, 60_000);
        assertThat(named.ring()).isEqualTo(first.ring());
    }

    @Test
    void whatCannotComeBackIsKeptOnlyUntilItIsForgotten() {
        Observation gone = IMAGE.refused(UrlState.GONE, Reason.GONE, 0, 2_000, 2_000);
        Schedule schedule = POLICY.after(Schedule.NONE, IMAGE, gone, 2_000, 2_000);
        assertThat(days(schedule, 2_000)).isEqualTo(90);
        assertThat(RevisitPolicy.isWorthAVisit(gone)).isFalse();
        Observation busy = Observation.NONE.refused(UrlState.REJECTED, Reason.SERVER_ERROR, 0, 2_000, 2_000);
        assertThat(days(POLICY.after(Schedule.NONE, Observation.NONE, busy, 2_000, 2_000), 2_000))
                .as("soon")
                .isLessThan(0.1);
    }

    @Test
    void boundsThatContradictEachOtherAreRefused() {
        assertThatThrownBy(() -> new RevisitPolicy(
                        Duration.ofMinutes(1), Duration.ofHours(1), Duration.ofDays(1), Duration.ofDays(1)))
                .hasMessageContaining("shortest <= first <= longest");
        assertThatThrownBy(() -> new RevisitPolicy(
                        Duration.ofDays(1), Duration.ofHours(1), Duration.ofDays(1000), Duration.ofDays(1)))
                .hasMessageContaining("at most 194d");
    }

    private static double days(Schedule schedule, long now) {
        return (schedule.dueAtMillis() - now) / 86_400_000.0;
    }
}
