package lenstream.connector.source;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Lets a fetcher thread wait for something to do, until it is woken. {@link #wakeUp} may be called from any thread. */
public final class Pause {
    private final Semaphore wakeUps = new Semaphore(0);

    /** Returns after that time, at a wake-up, or with the interrupt flag set. */
    public void await(long millis) {
        try {
            if (wakeUps.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                wakeUps.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public void wakeUp() {
        wakeUps.release();
    }
}
