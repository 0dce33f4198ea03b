package lenstream.gpu.lane;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** One call of {@code submit}: as many outcomes as images, in their order. Thread-safe. */
final class Job {
    private final Outcome[] outcomes;
    private final AtomicInteger missing;
    private final Runnable onRow;
    final CompletableFuture<List<Outcome>> result = new CompletableFuture<>();

    /**
     * @param onRow run after each outcome
     */
    Job(int images, Runnable onRow) {
        this.outcomes = new Outcome[images];
        this.missing = new AtomicInteger(images);
        this.onRow = onRow;
    }

    /** Counts a row that will have no outcome, of a job that has failed. */
    void abandon() {
        onRow.run();
    }

    void done(int index, Outcome outcome) {
        outcomes[index] = outcome;
        boolean last = missing.decrementAndGet() == 0;
        onRow.run();
        if (last) {
            result.complete(Arrays.asList(outcomes));
        }
    }
}
