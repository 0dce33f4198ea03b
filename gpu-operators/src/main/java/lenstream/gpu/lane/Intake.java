package lenstream.gpu.lane;

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** Where decode lanes get their images: first in, first out, one lock a batch. Thread-safe. */
final class Intake {
    private static final long LINGER_NANOS = 4_000_000;

    private final ArrayDeque<Item> waiting = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition notEmpty = lock.newCondition();

    void add(List<Item> items) {
        lock.lock();
        try {
            waiting.addAll(items);
            notEmpty.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Puts images back that did not fit, before all others. */
    void giveBack(List<Item> items) {
        if (items.isEmpty()) {
            return;
        }
        lock.lock();
        try {
            for (int i = items.size() - 1; i >= 0; i--) {
                waiting.addFirst(items.get(i));
            }
            notEmpty.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Adds an image that came in before all that wait. */
    void addFirst(Item item) {
        lock.lock();
        try {
            waiting.addFirst(item);
            notEmpty.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for at least one image and moves at most {@code most} into {@code to}. While there are few but more are coming, it
     * waits a little for them: a batch of one takes the device almost as long as one of thirty.
     */
    void take(List<Item> to, int most, BooleanSupplier moreComing) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            do {
                while (waiting.isEmpty()) {
                    notEmpty.await();
                }
                long left = LINGER_NANOS;
                while (left > 0 && waiting.size() < most / 2 && moreComing.getAsBoolean()) {
                    left = notEmpty.awaitNanos(left);
                }
            } while (waiting.isEmpty()); // another lane took them
            for (int i = 0; i < most && !waiting.isEmpty(); i++) {
                to.add(waiting.poll());
            }
            if (!waiting.isEmpty()) {
                notEmpty.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }
}
