package lenstream.search.http;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** At most so many requests work at once; a short queue smooths bursts, more would only make everyone wait. Thread-safe. */
final class Admission {
    private static final long PATIENCE_MILLIS = 1_000;
    private final Semaphore permits;

    Admission(int concurrent) {
        this.permits = new Semaphore(concurrent);
    }

    /** @throws ProblemException if there is no room */
    void pass(Exchange exchange, Consumer<Exchange> work) {
        try {
            if (!permits.tryAcquire(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                throw ProblemException.busy("The server is busy: try again in a second.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ProblemException.unavailable("The server is stopping.");
        }
        try {
            work.accept(exchange);
        } finally {
            permits.release();
        }
    }
}
