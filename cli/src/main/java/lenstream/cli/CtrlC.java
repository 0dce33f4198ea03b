package lenstream.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C (and SIGTERM) into a clean end: the JVM's shutdown waits until the command has stopped what it started,
 * within a limit.
 */
final class CtrlC implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread hook;

    /** @param onAsked runs once when the end is asked for; returns at once */
    CtrlC(Runnable onAsked) {
        hook = new Thread(
                () -> {
                    asked.countDown();
                    onAsked.run();
                    try {
                        if (!done.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                            System.err.println("lenstream: did not stop cleanly within " + LIMIT_SECONDS + " s");
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "ctrl-c");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    boolean asked() {
        return asked.getCount() == 0;
    }

    /** Blocks until the end is asked for. */
    void awaitAsked() throws InterruptedException {
        asked.await();
    }

    @Override
    public void close() {
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
