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
        public long millisCeil() {
            return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() + 999_999);
        }

        @Override
        public void sleep(long millis) throws InterruptedException {
            Thread.sleep(millis);
        }
    };

    /** Milliseconds from some fixed moment. */
    long millis();

    /** The same rounded up: a delay that is counted from here is never short of a fraction. */
    default long millisCeil() {
        return millis();
    }

    void sleep(long millis) throws InterruptedException;
}
