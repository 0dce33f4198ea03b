package lenstream.core.local;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Who goes first when this JVM is told to end: shutdown hooks all run at once, but a program that is finishing its work
 * still needs the processes that it started. Processes wait here until every hold is released, within a limit.
 * Thread-safe.
 */
public final class ShutdownOrder {
    private static final Set<CountDownLatch> HOLDS = ConcurrentHashMap.newKeySet();

    private ShutdownOrder() {}

    /** Keeps the processes of this JVM until it is closed. */
    public static Hold hold() {
        var latch = new CountDownLatch(1);
        HOLDS.add(latch);
        return () -> {
            HOLDS.remove(latch);
            latch.countDown();
        };
    }

    /** Released by closing it; closing it twice does nothing more. */
    @FunctionalInterface
    public interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /** Waits until nothing is held any more, but not longer than {@code limit}. */
    static void await(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            for (CountDownLatch latch : HOLDS) {
                if (!latch.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
