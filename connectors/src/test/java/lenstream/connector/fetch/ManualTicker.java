package lenstream.connector.fetch;

import java.util.concurrent.atomic.AtomicLong;

/** Time that passes when it is told to, or when somebody sleeps. */
final class ManualTicker implements Ticker {
    private final AtomicLong now = new AtomicLong(1_000_000);

    @Override
    public long millis() {
        return now.get();
    }

    @Override
    public void sleep(long millis) {
        now.addAndGet(millis);
    }
}
