package lenstream.connector.crawl;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsAddition;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsRemoval;
import org.jspecify.annotations.Nullable;

/**
 * Walks the sites of a reader, each on a virtual thread of its own, so that a slow site holds up none other. Their events
 * come together in a bounded queue: a walk whose events nobody takes waits. {@link #fetch}, {@link #handleSplitsChanges}
 * and {@link #close} run on Flink's fetcher thread.
 */
final class SiteReader implements SplitReader<SiteEvent, SiteSplit> {
    private static final int QUEUED_BATCHES = 64;
    private static final int EVENTS_IN_A_BATCH = 200;
    private static final int BATCHES_IN_A_FETCH = 16;
    private static final long WAIT_MILLIS = 100;
    private static final long STOP_MILLIS = 10_000;

    /** Makes the walk of a site that begins where the split stands. */
    interface Walks {
        SiteWalk begin(SiteSplit split);
    }

    private record Batch(
            String splitId,
            List<SiteEvent> events,
            @Nullable Throwable failure) {}

    private final Walks walks;
    private final boolean follow;
    private final AtomicLong waitingImages;
    private final BlockingQueue<Batch> batches = new ArrayBlockingQueue<>(QUEUED_BATCHES);
    private final Map<String, Thread> threads = new HashMap<>();
    private volatile boolean awake;

    /**
     * @param follow whether rounds go on for ever
     * @param waitingImages counts the images found and not yet taken
     */
    SiteReader(Walks walks, boolean follow, AtomicLong waitingImages) {
        this.walks = walks;
        this.follow = follow;
        this.waitingImages = waitingImages;
    }

    @Override
    public RecordsWithSplitIds<SiteEvent> fetch() throws IOException {
        var records = new RecordsBySplits.Builder<SiteEvent>();
        try {
            Batch batch = batches.poll();
            while (batch == null && !awake) {
                batch = batches.poll(WAIT_MILLIS, TimeUnit.MILLISECONDS);
            }
            awake = false;
            for (int taken = 0; batch != null; taken++) {
                if (batch.failure() != null) {
                    throw new IOException("walking " + batch.splitId(), batch.failure());
                }
                for (SiteEvent event : batch.events()) {
                    if (event instanceof SiteEvent.Found) {
                        waitingImages.decrementAndGet();
                    }
                    records.add(batch.splitId(), event);
                }
                batch = taken < BATCHES_IN_A_FETCH ? batches.poll() : null;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return records.build();
    }

    @Override
    public void handleSplitsChanges(SplitsChange<SiteSplit> change) {
        for (SiteSplit split : change.splits()) {
            switch (change) {
                case SplitsAddition<SiteSplit> addition -> {
                    SiteWalk walk = walks.begin(split);
                    threads.put(
                            split.splitId(),
                            Thread.ofVirtual().name("walk-" + split.splitId()).start(() -> run(split.splitId(), walk)));
                }
                case SplitsRemoval<SiteSplit> removal -> stop(threads.remove(split.splitId()));
                default -> throw new IllegalArgumentException("unknown change " + change);
            }
        }
    }

    @Override
    public void wakeUp() {
        awake = true;
    }

    @Override
    public void close() throws InterruptedException {
        threads.values().forEach(Thread::interrupt);
        for (Thread thread : threads.values()) {
            thread.join(STOP_MILLIS);
        }
        threads.clear();
    }

    private void run(String splitId, SiteWalk walk) {
        try {
            while (follow || !walk.isDry()) {
                List<SiteEvent> events = walk.step();
                for (int from = 0; from < events.size(); from += EVENTS_IN_A_BATCH) {
                    put(splitId, events.subList(from, Math.min(events.size(), from + EVENTS_IN_A_BATCH)));
                }
                long idle = walk.idleMillis();
                if (idle > 0) {
                    Thread.sleep(idle);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the reader is closing
        } catch (RuntimeException | Error e) {
            tell(splitId, e);
        }
    }

    /** Waits like any other event: a failure nobody hears of would leave the site neither dry nor going on. */
    private void tell(String splitId, Throwable failure) {
        try {
            batches.put(new Batch(splitId, List.of(), failure));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the reader is closing
        }
    }

    private void put(String splitId, List<SiteEvent> events) throws InterruptedException {
        waitingImages.addAndGet(
                events.stream().filter(SiteEvent.Found.class::isInstance).count());
        batches.put(new Batch(splitId, events, null));
    }

    private static void stop(@Nullable Thread thread) {
        if (thread != null) {
            thread.interrupt();
        }
    }
}
