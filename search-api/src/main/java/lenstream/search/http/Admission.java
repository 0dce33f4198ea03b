package lenstream.search.http;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Sends requests away before they make everyone wait. Thread-safe.
 *
 * <p>How many work at once is found out ({@link ConcurrencyLimit}); a few more wait in order of arrival, but not long: up to
 * {@value #PATIENCE_MILLIS} ms while bursts pass, up to {@value #IMPATIENCE_MILLIS} ms once the queue has not been empty for
 * {@value #STANDING_MILLIS} ms, because a queue that stands no longer smooths anything and only adds its length to every
 * latency. Source of the rule: CoDel (Nichols, Jacobson, 2012) as adapted to servers by Maurer, "Fail at Scale", ACM Queue
 * 13(8), 2015.
 */
final class Admission {
    private static final long PATIENCE_MILLIS = 100;
    private static final long IMPATIENCE_MILLIS = 20;
    private static final long STANDING_MILLIS = 200;

    /** Waiting requests for each one that works; the queue is bounded also where all are patient. */
    private static final int QUEUE_FACTOR = 4;

    private final ReentrantLock lock = new ReentrantLock();
    private final ConcurrencyLimit limit;
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>(); // under lock
    private int working; // under lock
    private long emptySince = System.nanoTime(); // under lock

    private static final class Waiting {
        final Thread thread = Thread.currentThread();
        volatile boolean admitted;
    }

    Admission(int most, Metrics metrics) {
        this.limit = new ConcurrencyLimit(most);
        metrics.gauge("lenstream_search_concurrency_limit_requests", "", limit::current);
        metrics.gauge("lenstream_search_working_requests", "", this::working);
    }

    /**
     * @param type of what is asked for, known when it is done
     * @throws ProblemException with 429 if there is no room
     */
    void pass(Supplier<String> type, Runnable work) {
        int atFirst = enter();
        long start = System.nanoTime();
        boolean done = false;
        try {
            work.run();
            done = true;
        } finally {
            leave(type.get(), System.nanoTime() - start, atFirst, done);
        }
    }

    /** @return requests that work now, this one included */
    private int enter() {
        var waiting = new Waiting();
        long patience;
        lock.lock();
        try {
            if (working < limit.current() && queue.isEmpty()) {
                working++;
                emptySince = System.nanoTime();
                return working;
            }
            if (queue.size() >= QUEUE_FACTOR * limit.current()) {
                throw busy();
            }
            boolean standing = System.nanoTime() - emptySince > STANDING_MILLIS * 1_000_000;
            patience = (standing ? IMPATIENCE_MILLIS : PATIENCE_MILLIS) * 1_000_000;
            queue.addLast(waiting);
        } finally {
            lock.unlock();
        }
        long end = System.nanoTime() + patience;
        long left = patience;
        while (!waiting.admitted && left > 0 && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, left);
            left = end - System.nanoTime();
        }
        lock.lock();
        try {
            if (waiting.admitted) {
                return working;
            }
            queue.remove(waiting);
            noteEmpty();
        } finally {
            lock.unlock();
        }
        throw Thread.currentThread().isInterrupted() ? ProblemException.unavailable("The server is stopping.") : busy();
    }

    private void leave(String type, long nanos, int atFirst, boolean done) {
        lock.lock();
        try {
            if (done) { // what failed or was refused says nothing about how long work takes
                limit.sample(type, nanos, Math.max(atFirst, working));
            }
            working--;
            while (working < limit.current() && !queue.isEmpty()) {
                Waiting next = queue.removeFirst();
                next.admitted = true;
                working++;
                LockSupport.unpark(next.thread);
            }
            noteEmpty();
        } finally {
            lock.unlock();
        }
    }

    private int working() {
        lock.lock();
        try {
            return working;
        } finally {
            lock.unlock();
        }
    }

    private void noteEmpty() {
        if (queue.isEmpty()) {
            emptySince = System.nanoTime();
        }
    }

    private static ProblemException busy() {
        return ProblemException.busy("The server is busy: try again in a second.");
    }
}
