package lenstream.gpu.embed.trt;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/** Says every 15 s that something long is still under way. Owns its thread until it is closed. */
final class Progress implements AutoCloseable {
    private static final long EVERY_SECONDS = 15;

    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread thread;

    /**
     * @param event key=value pairs of the log line
     */
    Progress(Logger log, String event) {
        long start = System.nanoTime();
        thread = Thread.ofPlatform().daemon().name("lenstream-progress").start(() -> {
            try {
                while (!done.await(EVERY_SECONDS, TimeUnit.SECONDS)) {
                    log.info(
                            "{} elapsed={}s",
                            event,
                            Duration.ofNanos(System.nanoTime() - start).toSeconds());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void close() {
        done.countDown();
        thread.interrupt();
    }
}
