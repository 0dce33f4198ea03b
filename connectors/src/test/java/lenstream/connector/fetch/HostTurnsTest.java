package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lenstream.core.image.Reason;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two processes, of which the second looks after every host; messages travel as they do through the enumerator. */
@Timeout(60)
@SuppressWarnings("MustBeClosed") // some turns are forgotten on purpose, others end at once
class HostTurnsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long DELAY_MILLIS = 30;

    private final HostPoliteness ownersPermits = permits();
    private final List<TurnMessage> lost = new ArrayList<>();
    private boolean deaf;
    private final HostTurns asker = new HostTurns(0, host -> 1, this::post, permits(), Duration.ofMillis(500));
    private final HostTurns owner = new HostTurns(1, host -> 1, this::post, ownersPermits, Duration.ofMillis(500));

    @AfterEach
    void close() {
        asker.close();
        owner.close();
    }

    @Test
    void aHostSeesOneVisitorAndItsFullDelayWhicheverProcessAsks() throws Exception {
        var active = new AtomicInteger();
        var visits = new ArrayList<long[]>();
        var threads = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 20; i++) {
            boolean remote = i % 2 == 0;
            threads.add(CompletableFuture.runAsync(
                    () -> {
                        try (Turn turn = remote ? asker.take("a", PATIENCE) : ownersPermits.acquire("a", PATIENCE)) {
                            assertThat(active.incrementAndGet()).isEqualTo(1);
                            long start = System.nanoTime();
                            turn.succeeded();
                            active.decrementAndGet();
                            synchronized (visits) {
                                visits.add(new long[] {start, System.nanoTime()});
                            }
                        } catch (HostUnavailableException | InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    },
                    command -> Thread.ofVirtual().start(command)));
        }
        CompletableFuture.allOf(threads.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
        assertThat(visits).hasSize(20);
        for (int i = 1; i < visits.size(); i++) {
            assertThat(visits.get(i)[0] - visits.get(i - 1)[1])
                    .isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(DELAY_MILLIS));
        }
    }

    @Test
    void aFailureThatOneProcessMetHoldsBackTheOther() throws Exception {
        try (Turn turn = asker.take("a", PATIENCE)) {
            turn.failed(Reason.RATE_LIMITED, 60_000);
        }
        await(() -> ownersPermits.waitMillis("a") > 50_000);
        assertThatThrownBy(() -> asker.take("a", PATIENCE).close())
                .isInstanceOfSatisfying(HostUnavailableException.class, e -> {
                    assertThat(e.reason()).isEqualTo(Reason.RATE_LIMITED);
                    assertThat(e.delayMillis()).isGreaterThan(50_000);
                });
    }

    @Test
    void aCrawlDelayThatOneProcessReadHoldsForTheOther() throws Exception {
        asker.crawlDelay("a", Duration.ofMinutes(1));
        asker.take("a", PATIENCE).close();
        await(() -> ownersPermits.waitMillis("a") > 50_000);
    }

    @Test
    void aTurnThatIsNeverEndedIsTakenBack() throws Exception {
        Turn forgotten = asker.take("a", PATIENCE);
        ownersPermits.acquire("a", PATIENCE).close();
        forgotten.close();
    }

    @Test
    void whoGetsNoAnswerGivesUpAndALateTurnIsGivenBack() throws Exception {
        deaf = true;
        assertThatThrownBy(() -> asker.take("a", Duration.ofMillis(50)).close())
                .isInstanceOf(HostUnavailableException.class)
                .hasMessageContaining("no turn within");
        deaf = false;
        TurnMessage asked = lost.getFirst();
        owner.receive(asked); // the message was slow, not lost
        ownersPermits.acquire("a", PATIENCE).close();
    }

    private void post(TurnMessage message) {
        if (deaf) {
            lost.add(message);
        } else {
            (message.to() == 0 ? asker : owner).receive(message);
        }
    }

    private static HostPoliteness permits() {
        return new HostPoliteness(1, Duration.ofSeconds(1), host -> Duration.ofMillis(DELAY_MILLIS), Ticker.SYSTEM);
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("within the time limit").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }
}
