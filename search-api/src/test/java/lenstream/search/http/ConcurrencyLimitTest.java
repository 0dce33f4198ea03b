package lenstream.search.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Against a machine whose processors share the work evenly: each request takes as long as there are others for its processor. */
class ConcurrencyLimitTest {
    private static final int PROCESSORS = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final long TEXT_NANOS = 10_000_000;
    private static final long PICTURE_NANOS = 100_000_000;
    private static final int MOST = 20 * PROCESSORS;

    private final ConcurrencyLimit limit = new ConcurrencyLimit(MOST);

    private void done(String type, long aloneNanos, int working) {
        limit.sample(type, aloneNanos * Math.max(PROCESSORS, working) / PROCESSORS, working);
    }

    private void alone(String type, long nanos) {
        for (int i = 0; i < 50; i++) {
            done(type, nanos, 1);
        }
    }

    @Test
    void underLoadLittleMoreThanTheProcessorsIsLetIn() {
        alone("text", TEXT_NANOS);
        for (int i = 0; i < 500; i++) {
            done("text", TEXT_NANOS, limit.current());
        }
        assertThat(limit.current()).isBetween(PROCESSORS, PROCESSORS + 3);
    }

    @Test
    void whatTakesLongByItselfIsNoCrowd() {
        alone("text", TEXT_NANOS);
        alone("image", PICTURE_NANOS);
        int before = limit.current();
        for (int i = 0; i < 50; i++) {
            done("image", PICTURE_NANOS, Math.min(2, limit.current()));
        }
        assertThat(limit.current()).isEqualTo(before);
    }

    @Test
    void workThatWaitsElsewhereIsLetInAsLongAsItTakesNoLonger() {
        alone("text", TEXT_NANOS);
        for (int i = 0; i < 100 * MOST; i++) {
            limit.sample("text", TEXT_NANOS, limit.current());
        }
        assertThat(limit.current()).isEqualTo(MOST);
    }

    @Test
    void oneThatTookLongCostsLittleAndAPassingLoadIsForgotten() {
        alone("text", TEXT_NANOS);
        limit.sample("text", 100 * TEXT_NANOS, PROCESSORS);
        assertThat(limit.current()).isGreaterThanOrEqualTo(PROCESSORS - 1);
        for (int i = 0; i < 500; i++) {
            done("text", TEXT_NANOS, limit.current());
        }
        assertThat(limit.current()).isBetween(PROCESSORS, PROCESSORS + 3);
    }
}
