package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import lenstream.search.http.Deadline;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class BatcherTest {
    private final Metrics metrics = new Metrics();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /** The batches that the model was asked, in their order. */
    private final List<List<Integer>> batches = Collections.synchronizedList(new ArrayList<>());

    /** A permit for each call that has begun. */
    private final Semaphore begun = new Semaphore(0);

    /** Calls wait for a permit. */
    private final Semaphore gate = new Semaphore(0);

    @AfterEach
    void stop() {
        gate.release(1_000);
        threads.close();
    }

    private Batcher<Integer, String> batcher(int most, int lanes, int waiting) {
        return new Batcher<>("text", new Batcher.Limits(most, lanes, waiting), this::answer, metrics);
    }

    private List<String> answer(List<Integer> questions) {
        batches.add(List.copyOf(questions));
        begun.release();
        gate.acquireUninterruptibly();
        if (questions.contains(13)) {
            throw new IllegalStateException("unlucky");
        }
        return questions.stream().map(question -> "answer " + question).toList();
    }

    /** Asks on a thread of its own, and waits until the question is in the queue or at the model. */
    private Future<String> ask(Batcher<Integer, String> batcher, int question) throws InterruptedException {
        double before = waiting();
        int asked = batches.size();
        Future<String> answer = threads.submit(() -> batcher.ask(question));
        while (waiting() == before && batches.size() == asked && !answer.isDone()) {
            Thread.sleep(1);
        }
        return answer;
    }

    private double waiting() {
        return metric("lenstream_search_batch_waiting_queries{input=\"text\"}");
    }

    private double metric(String name) {
        return metrics.text()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aloneAQuestionIsAskedAtOnceOnItsOwnThread() {
        gate.release();
        Thread own = Thread.currentThread();
        var batcher = new Batcher<Integer, Boolean>(
                "text", new Batcher.Limits(8, 1, 8), list -> List.of(Thread.currentThread() == own), metrics);
        assertThat(batcher.ask(1)).isTrue();
        assertThat(metric("lenstream_search_batch_size_queries_count{input=\"text\"}"))
                .isEqualTo(1);
    }

    @Test
    void whatComesWhileTheLaneIsBusyGoesTogetherUpToTheLargestBatch() throws Exception {
        Batcher<Integer, String> batcher = batcher(3, 1, 100);
        Future<String> first = ask(batcher, 0);
        var others = new ArrayList<Future<String>>();
        for (int question = 1; question <= 4; question++) {
            others.add(ask(batcher, question));
        }
        gate.release(3);
        assertThat(first.get()).isEqualTo("answer 0");
        for (int i = 0; i < others.size(); i++) {
            assertThat(others.get(i).get()).isEqualTo("answer " + (i + 1));
        }
        assertThat(batches).containsExactly(List.of(0), List.of(1, 2, 3), List.of(4));
        assertThat(metric("lenstream_search_batch_size_queries_sum{input=\"text\"}"))
                .isEqualTo(5);
        assertThat(waiting()).isZero();
    }

    @Test
    void asManyCallsRunAtOnceAsThereAreLanes() throws Exception {
        Batcher<Integer, String> batcher = batcher(1, 2, 100);
        ask(batcher, 0);
        ask(batcher, 1);
        Future<String> third = ask(batcher, 2);
        assertThat(batches).hasSize(2);
        assertThat(waiting()).isEqualTo(1);
        gate.release(3);
        assertThat(third.get()).isEqualTo("answer 2");
    }

    @Test
    void questionsOfOneRequestGoInFullBatchesAndKeepTheirOrder() {
        gate.release(3);
        List<Integer> questions = IntStream.range(0, 10).boxed().toList();
        assertThat(batcher(4, 1, 100).ask(questions))
                .isEqualTo(questions.stream().map(q -> "answer " + q).toList());
        assertThat(batches).containsExactly(List.of(0, 1, 2, 3), List.of(4, 5, 6, 7), List.of(8, 9));
    }

    @Test
    void aQuestionWhoseDeadlineHasPassedIsNeverAsked() throws Exception {
        Batcher<Integer, String> batcher = batcher(8, 1, 100);
        Future<String> first = ask(batcher, 0);
        Future<String> late =
                threads.submit(() -> Deadline.after(Duration.ofMillis(30)).during(() -> batcher.ask(1)));
        assertThatThrownBy(late::get)
                .cause()
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        problem -> assertThat(problem.status()).isEqualTo(503));
        gate.release(2);
        assertThat(first.get()).isEqualTo("answer 0");
        assertThatThrownBy(() -> Deadline.after(Duration.ofNanos(-1)).during(() -> batcher.ask(2)))
                .isInstanceOf(ProblemException.class);
        assertThat(batches).containsExactly(List.of(0));
        assertThat(metric("lenstream_search_batch_shed_queries_total{input=\"text\",reason=\"deadline\"}"))
                .isEqualTo(2);
    }

    @Test
    void aBatchClosesBeforeItWouldMakeAMemberLate() throws Exception {
        Batcher<Integer, String> batcher = batcher(8, 1, 100);
        Future<String> slow = ask(batcher, 0);
        Thread.sleep(600); // a call of one takes as long, as far as is known, and one of two twice as long
        gate.release();
        slow.get();
        Future<String> busy = ask(batcher, 1);
        begun.acquire(2);
        Future<String> hurried =
                threads.submit(() -> Deadline.after(Duration.ofMillis(800)).during(() -> batcher.ask(2)));
        while (waiting() < 1) {
            Thread.sleep(1);
        }
        Future<String> patient = ask(batcher, 3);
        gate.release(3);
        busy.get();
        assertThat(hurried.get()).isEqualTo("answer 2");
        assertThat(patient.get()).isEqualTo("answer 3");
        assertThat(batches).containsExactly(List.of(0), List.of(1), List.of(2), List.of(3));
    }

    @Test
    void aFullQueueRefuses() throws Exception {
        Batcher<Integer, String> batcher = batcher(8, 1, 2);
        ask(batcher, 0);
        ask(batcher, 1);
        ask(batcher, 2);
        assertThatThrownBy(() -> batcher.ask(3))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        problem -> assertThat(problem.status()).isEqualTo(429));
    }

    @Test
    void aFailureIsToldToEachOfItsBatchAndToNoOther() throws Exception {
        Batcher<Integer, String> batcher = batcher(2, 1, 100);
        Future<String> first = ask(batcher, 0);
        Future<String> unlucky = ask(batcher, 13);
        Future<String> neighbour = ask(batcher, 14);
        Future<String> next = ask(batcher, 15);
        gate.release(3);
        assertThat(first.get()).isEqualTo("answer 0");
        for (Future<String> failed : List.of(unlucky, neighbour)) {
            assertThatThrownBy(failed::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasRootCauseMessage("unlucky");
        }
        assertThat(next.get()).isEqualTo("answer 15");
    }

    @Test
    void whoeverIsInterruptedLeavesTheQueueAndTheOthersGoOn() throws Exception {
        Batcher<Integer, String> batcher = batcher(8, 1, 100);
        Future<String> first = ask(batcher, 0);
        Future<String> gone = ask(batcher, 1);
        Future<String> stays = ask(batcher, 2);
        gone.cancel(true);
        while (waiting() > 1) {
            Thread.sleep(1);
        }
        gate.release(2);
        assertThat(first.get(5, TimeUnit.SECONDS)).isEqualTo("answer 0");
        assertThat(stays.get(5, TimeUnit.SECONDS)).isEqualTo("answer 2");
        assertThat(batches).containsExactly(List.of(0), List.of(2));
    }
}
