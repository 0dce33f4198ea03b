package lenstream.gpu.lifetime;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Initialises classes that load native libraries, on a thread that nobody interrupts. Flink interrupts the threads of a task that it
 * cancels; a class whose library was just being unpacked would fail to initialise, and a class that failed is unusable
 * as long as the process lives: every later attempt of the task would fail, too. Thread-safe.
 */
public final class NativeLoading {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final Set<Class<?>> DONE = ConcurrentHashMap.newKeySet();

    private NativeLoading() {}

    /**
     * Returns when all of these are initialised; at once if they are. Waits through interrupts, which stay pending.
     *
     * @throws LinkageError as the classes do that fail
     * @throws IllegalStateException after three minutes
     */
    public static void initialise(Class<?>... classes) {
        if (DONE.containsAll(Set.of(classes))) {
            return;
        }
        var failure = new AtomicReference<@Nullable Throwable>();
        Thread loading = Thread.ofPlatform().daemon().name("native-loading").start(() -> {
            try {
                for (Class<?> wanted : classes) {
                    Class.forName(wanted.getName(), true, wanted.getClassLoader());
                    DONE.add(wanted);
                }
            } catch (ClassNotFoundException | LinkageError e) {
                failure.set(e);
            }
        });
        await(loading);
        Throwable thrown = failure.get();
        if (thrown instanceof LinkageError error) {
            throw error;
        }
        if (thrown != null) {
            throw new IllegalStateException(thrown);
        }
    }

    private static void await(Thread loading) {
        boolean interrupted = false;
        long end = System.nanoTime() + LIMIT.toNanos();
        try {
            while (loading.isAlive()) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new IllegalStateException("native libraries were not loaded within " + LIMIT.toMinutes()
                            + " minutes: is the temporary folder's disk reachable?");
                }
                try {
                    loading.join(Duration.ofNanos(left));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
