package lenstream.connector.fetch;

import java.util.concurrent.TimeUnit;

/** Time for delays: never jumps with the wall clock, and a test's own moves at once. Implementations are thread-safe. */
interface Ticker {
    Ticker SYSTEM = new Ticker() {
        @Override
        public long millis() {
            return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
        }

        @Override
        public void sleep(long millis) throws InterruptedException {
            Thread.sleep(millis);
        }
    };

    /** Milliseconds from some fixed moment. */
    long millis();

    void sleep(long millis) throws InterruptedException;
}
