package lenstream.search.http;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The engine has no time limit for reads: an interrupt ends one and closes its connection. */
final class Interruption {
    private static final ScheduledThreadPoolExecutor WATCH = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("read-watch").factory());

    static {
        WATCH.setRemoveOnCancelPolicy(true); // nearly all are cancelled
    }

    private Interruption() {}

    /** Interrupts the calling thread after a time, unless that is cancelled. */
    static Future<?> after(Duration limit) {
        return WATCH.schedule(Thread.currentThread()::interrupt, limit.toMillis(), TimeUnit.MILLISECONDS);
    }
}
