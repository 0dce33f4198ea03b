package lenstream.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import lenstream.core.local.ShutdownOrder;
import org.jspecify.annotations.Nullable;

/**
 * Turns Ctrl-C (and SIGTERM) into a clean end: the JVM's shutdown waits until the command has finished, within a limit,
 * and the services that the command started outlive it for that time. Open it before them. Thread-safe.
 */
final class CtrlC implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch done = new CountDownLatch(1);
    private final ShutdownOrder.Hold services = ShutdownOrder.hold();
    private final Thread hook = new Thread(this::end, "ctrl-c");
    private @Nullable Runnable stop;

    CtrlC() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** What is to be stopped, which must return at once; at once if the end was asked for already. */
    synchronized void onAsked(Runnable stopWork) {
        stop = stopWork;
        if (asked()) {
            stopWork.run();
        }
    }

    boolean asked() {
        return asked.getCount() == 0;
    }

    /** Blocks until the end is asked for. */
    void awaitAsked() throws InterruptedException {
        asked.await();
    }

    private void end() {
        synchronized (this) {
            asked.countDown();
            if (stop != null) {
                stop.run();
            }
        }
        try {
            if (!done.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("lenstream: did not stop cleanly within " + LIMIT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        services.close();
        done.countDown();
        if (!asked()) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // the end was asked for just now; the hook finds the work done
            }
        }
    }
}
