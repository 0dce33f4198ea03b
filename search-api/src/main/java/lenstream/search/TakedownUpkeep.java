package lenstream.search;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownRegister;
import lenstream.core.takedown.UnfinishedTakedowns;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finishes take-downs that a process which died left half done: at the start, and then every few seconds. Every process of
 * the API does so, for to finish one twice does no harm. Thread-safe; {@link #close} ends its thread.
 */
final class TakedownUpkeep implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TakedownUpkeep.class);
    private static final Duration PERIOD = Duration.ofSeconds(5);

    private final IndexClient client;
    private final IndexLayout layout;
    private final Path keyFile;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("takedowns").factory());
    private @Nullable UnfinishedTakedowns unfinished; // on the timer's thread

    /** @param keyFile of the receipts */
    TakedownUpkeep(IndexClient client, IndexLayout layout, Path keyFile) {
        this.client = client;
        this.layout = layout;
        this.keyFile = keyFile;
    }

    /** Begins to work. */
    void start() {
        var unused = timer.scheduleWithFixedDelay(this::turn, 0, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void turn() {
        try {
            UnfinishedTakedowns known = unfinished;
            if (known == null) {
                known = new UnfinishedTakedowns(
                        new CommandLog(client, layout),
                        () -> new TakedownRegister(client, layout, ReceiptKey.at(keyFile)));
                unfinished = known;
            }
            known.finish(System.currentTimeMillis());
        } catch (IndexException e) {
            LOG.debug("event=takedowns_wait_for_index", e); // the next turn tries again
        } catch (RuntimeException e) {
            LOG.warn("event=takedowns_not_finished", e);
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        try {
            if (!timer.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("event=takedown_upkeep_does_not_end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
