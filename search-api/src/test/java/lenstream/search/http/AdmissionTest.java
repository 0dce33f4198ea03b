package lenstream.search.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One place at work; everyone else is more patient than the test is long, so that only the rules decide. */
@Timeout(60)
class AdmissionTest {
    private static final long LONG_MILLIS = 600_000;
    private static final long WINDOW_NANOS = 250_000_000;

    private final AtomicLong clock = new AtomicLong();
    private final Admission admission = new Admission(1, clock::get, LONG_MILLIS, LONG_MILLIS);
    private final CountDownLatch end = new CountDownLatch(1);
    private final ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();

    @AfterEach
    void end() {
        end.countDown();
    }

    @Test
    void whileBurstsPassWhoCameFirstGoesFirst() throws Exception {
        Future<?> holder = hold();
        Future<?> first = waits("first");
        Future<?> second = waits("second");
        end.countDown();
        for (Future<?> one : List.of(holder, first, second)) {
            one.get();
        }
        assertThat(order).containsExactly("first", "second");
    }

    @Test
    void aBurstThatIsTooLongIsPressure() throws Exception {
        Future<?> holder = hold();
        List<Future<?>> burst = IntStream.range(0, 16)
                .<Future<?>>mapToObj(i -> waits("of the burst"))
                .toList();
        Future<?> newest = pass("newest");
        requireSentAway(burst.get(0));
        requireSentAway(burst.get(1));
        end.countDown();
        holder.get();
        newest.get();
        assertThat(order).first().isEqualTo("newest");
    }

    @Test
    void whoeverIsFewerThanABurstWaitsInPeaceHoweverLong() throws Exception {
        Future<?> holder = hold();
        List<Future<?>> browser = IntStream.range(0, 6)
                .<Future<?>>mapToObj(i -> waits("picture " + i))
                .toList();
        clock.addAndGet(100 * WINDOW_NANOS);
        browser = new ArrayList<>(browser);
        browser.add(waits("picture 6"));
        end.countDown();
        holder.get();
        for (Future<?> one : browser) {
            one.get();
        }
        assertThat(order).first().isEqualTo("picture 0");
    }

    @Test
    void aBodyIsNotTakenInWhereTheQueueIsFull() throws Exception {
        admission.requireRoom();
        Future<?> holder = hold();
        List<Future<?>> burst = IntStream.range(0, 16)
                .<Future<?>>mapToObj(i -> waits("of the burst " + i))
                .toList();
        assertThatThrownBy(admission::requireRoom)
                .isInstanceOfSatisfying(
                        ProblemException.class, e -> assertThat(e.status()).isEqualTo(429));
        requireSentAway(burst.get(0)); // a queue that is too long gets shorter
        requireSentAway(burst.get(1));
        end.countDown();
        holder.get();
        for (Future<?> one : burst.subList(2, burst.size())) {
            one.get();
        }
        clock.addAndGet(WINDOW_NANOS);
        admission.requireRoom();
    }

    private static void requireSentAway(Future<?> one) {
        assertThatThrownBy(one::get)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        ProblemException.class, e -> assertThat(e.status()).isEqualTo(429));
    }

    @Test
    void whoWaitsForTheWebHoldsNoPlace() throws Exception {
        var outside = new CountDownLatch(1);
        var answer = new CountDownLatch(1);
        Future<?> away = run(() -> admission.pass(
                () -> "image_url",
                () -> order.add(Place.away(() -> {
                    outside.countDown();
                    await(answer);
                    return "fetched";
                }))));
        outside.await();
        assertThat(admission.working()).isZero();
        admission.pass(() -> "text", () -> order.add("text"));
        assertThatThrownBy(() -> admission.pass(() -> "image_url", () -> Place.away(() -> "one too many")))
                .isInstanceOf(ProblemException.class);
        answer.countDown();
        away.get();
        assertThat(order).containsExactly("text", "fetched");
        assertThat(admission.working()).isZero();
    }

    /** Takes the place until the test ends. */
    private Future<?> hold() {
        Future<?> holder = run(() -> admission.pass(() -> "text", () -> await(end)));
        until(() -> admission.working() == 1);
        return holder;
    }

    private Future<?> waits(String name) {
        int before = admission.waiting();
        Future<?> one = pass(name);
        until(() -> admission.waiting() == before + 1);
        return one;
    }

    private Future<?> pass(String name) {
        return run(() -> admission.pass(() -> "text", () -> order.add(name)));
    }

    private static Future<?> run(Runnable work) {
        return CompletableFuture.runAsync(work, task -> Thread.ofVirtual().start(task));
    }

    private static void until(BooleanSupplier isTrue) { // JUnit's own limit ends a wait for ever
        while (!isTrue.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
