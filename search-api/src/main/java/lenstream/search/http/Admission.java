package lenstream.search.http;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Sends requests away before they make everyone wait. Thread-safe.
 *
 * <p>How many work at once is found out ({@link ConcurrencyLimit}); some more wait. While bursts pass, they wait in order of
 * arrival, for up to {@value #PATIENCE_MILLIS} ms where work takes long. A queue that is full no longer smooths anything and only adds
 * its length to every latency: under such {@link Pressure} few wait, for {@value #IMPATIENCE_MILLIS} ms at most, and the newest goes
 * first. Whoever has waited longest makes room for the next that comes: it would go last, and its client has waited already,
 * while the newest goes on having hardly waited at all. Source of the rules: CoDel (Nichols, Jacobson, 2012) and adaptive LIFO
 * as used in servers by Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
 */
final class Admission {
    private static final long PATIENCE_MILLIS = 500;
    private static final long IMPATIENCE_MILLIS = 20;

    /** Waiting requests for each one that works, before that is pressure; and how many may wait wherever few work. */
    private static final int QUEUE_FACTOR = 4;

    private static final int ROOM = 16;

    /** How many may wait under pressure, where that is more than may work. */
    private static final int ROOM_UNDER_PRESSURE = 4;

    /** By one newcomer: a queue that is too long gets shorter, and a burst that passes does not cost all who wait. */
    private static final int MOST_SENT_AWAY = 2;

    private final ReentrantLock lock = new ReentrantLock();
    private final ConcurrencyLimit limit;
    private final LongSupplier clock;
    private final Pressure pressure = new Pressure(); // under lock
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>(); // under lock
    private final int most;
    private final long patienceMillis;
    private final long impatienceMillis;
    private int working; // under lock
    private int away; // under lock

    private static final class Waiting {
        final Thread thread = Thread.currentThread();
        volatile boolean admitted;
        volatile boolean refused; // to make room for another

        boolean isDecided() {
            return admitted || refused;
        }
    }

    Admission(int most, Metrics metrics) {
        this(most, System::nanoTime, PATIENCE_MILLIS, IMPATIENCE_MILLIS);
        metrics.gauge("lenstream_search_concurrency_limit_requests", "", limit::current);
        metrics.gauge("lenstream_search_working_requests", "", this::working);
        metrics.gauge("lenstream_search_waiting_requests", "", this::waiting);
    }

    /** @param clock nanoseconds from any moment on */
    Admission(int most, LongSupplier clock, long patienceMillis, long impatienceMillis) {
        this.most = most;
        this.limit = new ConcurrencyLimit(most);
        this.patienceMillis = patienceMillis;
        this.impatienceMillis = impatienceMillis;
        this.clock = clock;
    }

    /**
     * @param type of what is asked for, known when it is done
     * @throws ProblemException with 429 if there is no room
     */
    void pass(Supplier<String> type, Runnable work) {
        int atFirst = enter();
        long start = clock.getAsLong();
        boolean done = false;
        var place = new Place(this);
        try {
            place.during(work);
            done = true;
        } finally {
            leave(type.get(), clock.getAsLong() - start - place.awayNanos(), atFirst, done);
        }
    }

    /**
     * Waits for someone outside without holding a place; goes on at once afterwards, whoever works then.
     *
     * @return nanoseconds that it took
     * @throws ProblemException with 429 if as many are outside as may ever work
     */
    long away(Runnable outside) {
        long start = clock.getAsLong();
        lock.lock();
        try {
            if (away >= most) {
                throw busy();
            }
            away++;
            working--;
            letIn();
        } finally {
            lock.unlock();
        }
        try {
            outside.run();
        } finally {
            lock.lock();
            try {
                away--;
                working++;
            } finally {
                lock.unlock();
            }
        }
        return clock.getAsLong() - start;
    }

    /**
     * Sends a request away whose body is still to come, where it would only push others out of the queue: what it takes to take
     * the body in is saved. One that is let through may still be refused by {@link #pass}.
     *
     * @throws ProblemException with 429 if the queue is full
     */
    void requireRoom() {
        lock.lock();
        try {
            boolean high = isHigh();
            if (high && queue.size() >= roomUnderPressure()) {
                makeRoom(roomUnderPressure());
                throw busy();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether there is pressure for one more that wants to wait, which it is itself if the queue is full. Under lock. */
    private boolean isHigh() {
        boolean high = pressure.isHigh(clock.getAsLong(), queue.isEmpty());
        if (!high && queue.size() >= Math.max(ROOM, QUEUE_FACTOR * limit.current())) {
            pressure.rise(clock.getAsLong());
            high = true;
        }
        return high;
    }

    private int roomUnderPressure() {
        return Math.max(ROOM_UNDER_PRESSURE, limit.current());
    }

    /** Sends some of those away who have waited longest, while more wait than this. Under lock. */
    private void makeRoom(int mayWait) {
        for (int i = 0; queue.size() > mayWait && i < MOST_SENT_AWAY; i++) {
            Waiting oldest = queue.removeFirst();
            oldest.refused = true;
            LockSupport.unpark(oldest.thread);
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
                return working;
            }
            boolean high = isHigh();
            if (high) {
                makeRoom(roomUnderPressure() - 1);
            }
            patience = (high ? impatienceMillis : patienceMillis) * 1_000_000;
            queue.addLast(waiting);
        } finally {
            lock.unlock();
        }
        long end = System.nanoTime() + patience;
        long left = patience;
        while (!waiting.isDecided() && left > 0 && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, left);
            left = end - System.nanoTime();
        }
        lock.lock();
        try {
            if (waiting.admitted) {
                return working;
            }
            pressure.isHigh(clock.getAsLong(), queue.isEmpty());
            queue.remove(waiting);
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
            letIn();
        } finally {
            lock.unlock();
        }
    }

    /** Under lock. */
    private void letIn() {
        boolean high = pressure.isHigh(clock.getAsLong(), queue.isEmpty());
        while (working < limit.current() && !queue.isEmpty()) {
            Waiting next = high ? queue.removeLast() : queue.removeFirst();
            next.admitted = true;
            working++;
            LockSupport.unpark(next.thread);
        }
    }

    int working() {
        lock.lock();
        try {
            return working;
        } finally {
            lock.unlock();
        }
    }

    int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    private static ProblemException busy() {
        return ProblemException.busy("The server is busy: try again in a second.");
    }
}
