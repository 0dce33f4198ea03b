package lenstream.connector.opensearch;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes the lines of the ledger that are too old, a minute after the start and then once an hour. One a job. */
final class LedgerPruning implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LedgerPruning.class);
    private static final Duration FIRST = Duration.ofMinutes(1);
    private static final Duration EVERY = Duration.ofHours(1);
    /** So that searches do not feel it. */
    private static final int DELETED_A_SECOND = 2_000;

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("ledger-pruning").factory());

    /** @param client borrowed */
    LedgerPruning(IndexClient client, IndexLayout layout, Duration keep) {
        thread.scheduleWithFixedDelay(
                () -> prune(client, layout, keep), FIRST.toSeconds(), EVERY.toSeconds(), TimeUnit.SECONDS);
    }

    private static void prune(IndexClient client, IndexLayout layout, Duration keep) {
        try {
            IndexAnswer answer = client.send(
                    "POST",
                    "/" + layout.ledgerIndex() + "/_delete_by_query?conflicts=proceed&wait_for_completion=false"
                            + "&requests_per_second=" + DELETED_A_SECOND,
                    olderThan(Instant.now().minus(keep)));
            if (!answer.ok()) {
                LOG.warn("event=ledger_not_pruned status={} answer={}", answer.status(), answer.text());
            }
        } catch (IndexException e) {
            LOG.warn("event=ledger_not_pruned reason={}", e.getMessage()); // the next hour tries again
        }
    }

    /** The query for what is deleted. */
    static ObjectNode olderThan(Instant limit) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("query").putObject("range").putObject(Field.AT).put("lt", limit.toString());
        return body;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
