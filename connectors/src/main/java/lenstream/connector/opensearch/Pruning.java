package lenstream.connector.opensearch;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what is too old, a minute after the start and then once an hour: lines of the ledger, matches of alerts, and
 * commands that no job needs any more. One a sink.
 *
 * <p>A push or a re-crawl is forgotten after {@link #PUSHES}: who was away for longer visits the page on its own interval
 * anyway, and a job that begins anew need not repeat them all. The end of an alert is kept as long as the ledger, for jobs
 * that are restored from an older savepoint; take-downs, revocations and alerts in force stay for ever.
 */
final class Pruning implements AutoCloseable {
    /** A job may be stopped for a long weekend and still find what was pushed meanwhile. */
    static final Duration PUSHES = Duration.ofDays(7);

    private static final Logger LOG = LoggerFactory.getLogger(Pruning.class);
    private static final Duration FIRST = Duration.ofMinutes(1);
    private static final Duration EVERY = Duration.ofHours(1);
    /** So that searches do not feel it. */
    private static final int DELETED_A_SECOND = 2_000;

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("pruning").factory());

    /**
     * @param client borrowed
     * @param keep age of the ledger and of matches
     */
    Pruning(IndexClient client, IndexLayout layout, Duration keep) {
        thread.scheduleWithFixedDelay(
                () -> prune(client, layout, keep, Instant.now()),
                FIRST.toSeconds(),
                EVERY.toSeconds(),
                TimeUnit.SECONDS);
    }

    /** Once. What the index does not delete now, it is asked to in the next hour. */
    static void prune(IndexClient client, IndexLayout layout, Duration keep, Instant now) {
        try {
            delete(client, layout.ledgerIndex(), Field.AT, now.minus(keep));
            delete(client, layout.matchIndex(), Field.OBSERVED, now.minus(keep));
            var commands = new CommandLog(client, layout);
            for (Kind kind : List.of(Kind.PUSH, Kind.RECRAWL)) {
                commands.prune(kind, now.minus(PUSHES));
            }
            commands.prune(Kind.ALERT_DELETE, now.minus(keep));
        } catch (IndexException e) {
            LOG.warn("event=not_pruned reason={}", e.getMessage());
        }
    }

    private static void delete(IndexClient client, String index, String time, Instant limit) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("query").putObject("range").putObject(time).put("lt", limit.toString());
        IndexAnswer answer = client.send(
                "POST",
                "/" + index + "/_delete_by_query?conflicts=proceed&wait_for_completion=false&requests_per_second="
                        + DELETED_A_SECOND,
                body);
        if (!answer.ok() && answer.status() != 404) {
            LOG.warn("event=not_pruned index={} status={} answer={}", index, answer.status(), answer.text());
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
