package lenstream.search;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import lenstream.search.http.Deadline;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;

/**
 * Puts questions that come at about the same time into one call of a model. Thread-safe; has no threads of its own.
 *
 * <p>A question that finds a free lane is asked at once, alone, on the thread it came with: at low load nothing is added. While
 * all lanes are busy, questions wait in order of arrival. A lane that becomes free takes the next batch, which one of
 * its members asks for all. The batch closes when it is full, or when one more question would make it take so long that a member
 * misses its {@link Deadline} by what calls of that size took before. A question that cannot be in time any more, even alone, is
 * sent away before it costs anything; so is one that finds the queue full.
 */
final class Batcher<Q, A> {
    private static final String PREFIX = "lenstream_search_batch_";
    private static final long LONGEST_PARK_NANOS = 1_000_000_000;

    private final Limits limits;
    private final Function<List<Q>, List<A>> model;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Entry<Q, A>> queue = new ArrayDeque<>(); // under lock
    private final ServiceTime time; // under lock
    private int waiting; // questions in the queue; under lock
    private int running; // lanes that are busy; under lock

    private final Metrics.Histogram sizes;
    private final Metrics.Histogram waits;
    private final LongAdder answered = new LongAdder();
    private final LongAdder calls = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder waitNanos = new LongAdder();
    private final LongAdder workNanos = new LongAdder();
    private final LongAdder late;
    private final LongAdder refused;

    /**
     * @param most questions of a call; 1 where batches would change the answers, or do not pay
     * @param lanes calls at once
     * @param waiting most questions that wait; more are refused
     */
    record Limits(int most, int lanes, int waiting) {
        Limits {
            if (most < 1 || lanes < 1 || waiting < 0) {
                throw new IllegalArgumentException("most and lanes must be 1 or more, waiting 0 or more");
            }
        }
    }

    /**
     * What has been done so far.
     *
     * @param answered questions
     * @param calls that answered them
     * @param failed questions whose call failed
     * @param waitNanos of all entries, from their coming to their call
     * @param workNanos of the calls
     */
    record Done(long answered, long calls, long failed, long waitNanos, long workNanos) {}

    Done done() {
        return new Done(answered.sum(), calls.sum(), failed.sum(), waitNanos.sum(), workNanos.sum());
    }

    /** Where an entry is. */
    private enum Place {
        /** In the queue. */
        WAITING,
        /** Its thread is to ask its batch. */
        LEADS,
        /** In a batch that another thread asks. */
        FOLLOWS,
        /** Answered, failed or sent away. */
        DONE
    }

    /** Questions that came together and are answered together. */
    private static final class Entry<Q, A> {
        final List<Q> questions;
        final Deadline deadline = Deadline.current();
        final long since = System.nanoTime();
        final Thread thread = Thread.currentThread();
        List<Entry<Q, A>> batch = List.of(); // of the leader; before place
        List<A> answers = List.of(); // before place

        @Nullable
        Throwable failure; // before place

        volatile Place place = Place.WAITING;

        Entry(List<Q> questions) {
            this.questions = questions;
        }

        void move(Place to) {
            place = to;
            LockSupport.unpark(thread);
        }
    }

    /**
     * @param name of the questions, the label {@code input} of the metrics
     * @param model answers the questions of a list in their order; called on the threads of {@link #ask}
     */
    Batcher(String name, Limits limits, Function<List<Q>, List<A>> model, Metrics metrics) {
        this.limits = limits;
        this.model = model;
        this.time = new ServiceTime(limits.most());
        String label = "input=\"" + name + "\"";
        this.sizes = metrics.sizes(PREFIX + "size_queries", label);
        this.waits = metrics.histogram(PREFIX + "wait_duration_seconds", label);
        this.late = metrics.counter(PREFIX + "shed_queries_total", label + ",reason=\"deadline\"");
        this.refused = metrics.counter(PREFIX + "shed_queries_total", label + ",reason=\"queue_full\"");
        metrics.gauge(PREFIX + "waiting_queries", label, this::waiting);
    }

    /** One question. */
    A ask(Q question) {
        return askTogether(List.of(question)).getFirst();
    }

    /** Questions of one request, as many at a time as a call takes. */
    List<A> ask(List<Q> questions) {
        var answers = new ArrayList<A>(questions.size());
        for (int from = 0; from < questions.size(); from += limits.most()) {
            answers.addAll(askTogether(questions.subList(from, Math.min(questions.size(), from + limits.most()))));
        }
        return answers;
    }

    /**
     * @throws ProblemException with 503 if the deadline cannot be kept, with 429 if too many wait
     * @throws RuntimeException what the model threw
     */
    private List<A> askTogether(List<Q> questions) {
        var own = new Entry<Q, A>(questions);
        enter(own);
        if (own.place == Place.WAITING) {
            await(own);
        }
        if (own.place == Place.LEADS) {
            run(own.batch);
        }
        return result(own);
    }

    private void enter(Entry<Q, A> own) {
        lock.lock();
        try {
            int count = own.questions.size();
            if (own.deadline.leftNanos() < time.of(count)) {
                late.add(count);
                throw tooLate();
            }
            if (running < limits.lanes()) { // then nobody waits
                running++;
                own.batch = List.of(own);
                own.place = Place.LEADS;
            } else if (waiting + count > limits.waiting()) {
                refused.add(count);
                throw ProblemException.busy("Too many queries wait for the encoder: try again in a second.");
            } else {
                queue.addLast(own);
                waiting += count;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Until the entry leads a batch or is done. */
    private void await(Entry<Q, A> own) {
        boolean interrupted = false;
        while (own.place == Place.WAITING || own.place == Place.FOLLOWS) {
            boolean mayLeave = own.place == Place.WAITING;
            long left = mayLeave ? own.deadline.leftNanos() : LONGEST_PARK_NANOS;
            if (mayLeave && (interrupted || left <= 0)) {
                leave(own, interrupted);
            } else {
                LockSupport.parkNanos(this, Math.min(left, LONGEST_PARK_NANOS));
                interrupted |= Thread.interrupted(); // or the next park would not wait
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives up waiting, unless a lane has taken the entry meanwhile. */
    private void leave(Entry<Q, A> own, boolean interrupted) {
        lock.lock();
        try {
            if (queue.remove(own)) {
                waiting -= own.questions.size();
                if (interrupted) {
                    own.failure = ProblemException.unavailable("The server is stopping.");
                } else {
                    late.add(own.questions.size());
                    own.failure = tooLate();
                }
                own.place = Place.DONE;
            }
        } finally {
            lock.unlock();
        }
    }

    private void run(List<Entry<Q, A>> batch) {
        var questions = new ArrayList<Q>();
        long start = System.nanoTime();
        Deadline latest = batch.getFirst().deadline; // nobody is cut short by who happens to lead
        for (Entry<Q, A> entry : batch) {
            latest = latest.orLater(entry.deadline);
            questions.addAll(entry.questions);
            waits.add(start - entry.since);
            waitNanos.add(start - entry.since);
        }
        sizes.count(questions.size());
        List<A> answers = List.of();
        Throwable failure = null;
        try {
            answers = latest.instead(() -> model.apply(questions));
            if (answers.size() != questions.size()) {
                throw new IllegalStateException(answers.size() + " answers to " + questions.size() + " questions");
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        long nanos = System.nanoTime() - start;
        (failure == null ? answered : failed).add(questions.size());
        calls.increment();
        workNanos.add(nanos);
        free(questions.size(), failure == null ? nanos : -1);
        int from = 0;
        for (Entry<Q, A> entry : batch) {
            int to = from + entry.questions.size();
            if (failure == null) {
                entry.answers = answers.subList(from, to);
            }
            entry.failure = failure;
            entry.move(Place.DONE);
            from = to;
        }
    }

    /** A lane is free: the next batch takes it. */
    private void free(int count, long nanos) {
        lock.lock();
        try {
            if (nanos >= 0) {
                time.sample(count, nanos);
            }
            running--;
            List<Entry<Q, A>> batch = next();
            if (!batch.isEmpty()) {
                running++;
                batch.getFirst().batch = batch;
                for (int i = 1; i < batch.size(); i++) {
                    batch.get(i).move(Place.FOLLOWS);
                }
                batch.getFirst().move(Place.LEADS);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes from the queue what goes into one call and can be in time; sends away what cannot. Under lock. */
    private List<Entry<Q, A>> next() {
        var batch = new ArrayList<Entry<Q, A>>();
        int size = 0;
        long least = Long.MAX_VALUE;
        while (!queue.isEmpty()) {
            Entry<Q, A> entry = queue.getFirst();
            int count = entry.questions.size();
            long left = entry.deadline.leftNanos();
            if (left < time.of(count)) {
                late.add(count);
                entry.failure = tooLate();
                entry.move(Place.DONE);
            } else if (size + count > limits.most() || (size > 0 && Math.min(least, left) < time.of(size + count))) {
                return batch;
            } else {
                batch.add(entry);
                size += count;
                least = Math.min(least, left);
            }
            queue.removeFirst();
            waiting -= count;
        }
        return batch;
    }

    private static <Q, A> List<A> result(Entry<Q, A> own) {
        switch (own.failure) {
            case null -> {
                return own.answers;
            }
            case RuntimeException failure -> throw failure;
            case Error failure -> throw failure;
            case Throwable failure -> throw new IllegalStateException(failure);
        }
    }

    private int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    static ProblemException tooLate() {
        return ProblemException.unavailable(
                "The query could not be embedded in the time that was left for it: try again in a moment.");
    }
}
