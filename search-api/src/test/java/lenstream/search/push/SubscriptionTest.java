package lenstream.search.push;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import lenstream.core.config.Secret;
import lenstream.search.push.Subscription.State;
import org.junit.jupiter.api.Test;

class SubscriptionTest {
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final Subscription ASKED = new Subscription(
            "id", "https://e.example/feed", "https://h.example/", new Secret("s"), State.PENDING, null, 0, 0, 0, 0);

    @Test
    void isRenewedWhenFourFifthsOfItsLeaseAreOver() {
        Subscription active = ASKED.confirmed(10 * HOUR, 0);
        assertThat(active.isDue(8 * HOUR - 1)).isFalse();
        assertThat(active.isDue(8 * HOUR)).isTrue();
        assertThat(active.asked(8 * HOUR).isDue(8 * HOUR + 1)).isFalse();
    }

    @Test
    void isAskedForAgainWhenTheHubForgets() {
        assertThat(ASKED.isDue(Duration.ofMinutes(9).toMillis())).isFalse();
        assertThat(ASKED.isDue(Duration.ofMinutes(10).toMillis())).isTrue();
        assertThat(ASKED.in(State.DENIED, "no").isDue(HOUR)).isFalse();
    }

    @Test
    void comesBackFromItsDocument() {
        Subscription active = ASKED.confirmed(10 * HOUR, 5);
        assertThat(Subscription.of(active.toJson())).isEqualTo(active);
    }
}
