package lenstream.search.push;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    @Test
    void refillsOverAMinuteAndEachNameByItself() {
        var clock = new AtomicLong();
        var limit = new RateLimit(2, clock::get);
        assertThat(limit.allows("a")).isTrue();
        assertThat(limit.allows("a")).isTrue();
        assertThat(limit.allows("a")).isFalse();
        assertThat(limit.allows("b")).isTrue();
        clock.addAndGet(29_000);
        assertThat(limit.allows("a")).isFalse();
        clock.addAndGet(1_000);
        assertThat(limit.allows("a")).isTrue();
        assertThat(limit.allows("a")).isFalse();
    }
}
