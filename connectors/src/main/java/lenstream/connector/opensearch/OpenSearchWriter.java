package lenstream.connector.opensearch;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriter;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.DequeRequestBuffer;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.apache.flink.connector.base.sink.writer.SimpleBatchCreator;
import org.apache.flink.connector.base.sink.writer.config.AsyncSinkWriterConfiguration;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends batches and settles each entry by its outcome. Entries that must be repeated go back to the buffer after a wait,
 * during which their batch counts as in flight: that is how a slow cluster slows the job. Written to on the task thread;
 * answers come on the client's threads and wait on one of their own.
 */
final class OpenSearchWriter extends AsyncSinkWriter<BulkEntry, BulkEntry> {
    private static final Logger LOG = LoggerFactory.getLogger(OpenSearchWriter.class);
    /** A repetition is logged at the first failure of a series and at each of these after it. */
    private static final int LOG_EVERY = 20;

    private final String rejectionIndex;
    private final int maxAttempts;
    private final IndexClient client;
    private final BulkSender sender;
    private final ScheduledExecutorService waits;
    private final Backoff backoff;
    private final SinkMetrics metrics;
    private final FreshnessProbe probe;
    private final @Nullable LedgerPruning pruning;
    private int failures;

    @SuppressWarnings("MustBeClosed") // the client is freed in close()
    OpenSearchWriter(
            WriterInitContext context,
            AsyncSinkWriterConfiguration settings,
            Collection<BufferedRequestState<BulkEntry>> state,
            OpenSearchConfig where,
            IndexLayout layout,
            BulkConfig bulk,
            LedgerConfig ledger) {
        super(
                (entry, ignored) -> entry,
                context,
                settings,
                state,
                new SimpleBatchCreator<>(settings.getMaxBatchSizeInBytes()),
                new DequeRequestBuffer<>());
        this.rejectionIndex = layout.rejectionIndex();
        this.maxAttempts = bulk.maxAttempts();
        this.backoff = new Backoff(bulk.firstDelay(), bulk.longestDelay(), new SplittableRandom());
        this.metrics = new SinkMetrics(context.metricGroup());
        metrics.pending.set(state.stream()
                .mapToLong(part -> part.getBufferedRequestEntries().size())
                .sum());
        this.client = IndexClient.open(where);
        this.sender = new BulkSender(client);
        this.probe = new FreshnessProbe(client, layout, new FreshnessMetrics(context.metricGroup()));
        this.pruning = context.getTaskInfo().getIndexOfThisSubtask() == 0
                ? new LedgerPruning(client, layout, ledger.keep())
                : null;
        this.waits = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("opensearch-backoff").factory());
    }

    @Override
    public void write(BulkEntry entry, Context context) throws IOException, InterruptedException {
        metrics.in.inc();
        metrics.pending.incrementAndGet();
        super.write(entry, context);
    }

    @Override
    protected void submitRequestEntries(List<BulkEntry> entries, ResultHandler<BulkEntry> result) {
        List<BulkEntry> sent = List.copyOf(entries);
        sender.send(sent).whenComplete((outcomes, failure) -> {
            try {
                if (failure != null) {
                    throw failure;
                }
                settle(sent, outcomes, result);
            } catch (Throwable fault) {
                result.completeExceptionally(
                        fault instanceof Exception exception ? exception : new IndexException("sink", fault));
            }
        });
    }

    @Override
    protected long getSizeInBytes(BulkEntry entry) {
        return entry.bulkBytes();
    }

    @Override
    public void close() {
        waits.shutdownNow();
        if (pruning != null) {
            pruning.close();
        }
        probe.close();
        client.close();
        super.close();
    }

    private void settle(List<BulkEntry> sent, List<BulkOutcome> outcomes, ResultHandler<BulkEntry> result) {
        var again = new ArrayList<BulkEntry>();
        var images = new ArrayList<BulkEntry>();
        BulkOutcome.Retry refused = null;
        for (int i = 0; i < sent.size(); i++) {
            BulkEntry entry = sent.get(i);
            switch (outcomes.get(i)) {
                case BulkOutcome.Written w -> written(entry, images);
                case BulkOutcome.Stale s -> ended(metrics.stale);
                case BulkOutcome.Retry r
                when r.busy() || entry.attempts() + 1 < maxAttempts -> {
                    refused = r;
                    metrics.retried.inc();
                    again.add(r.busy() ? entry : entry.withAttempts(entry.attempts() + 1));
                }
                case BulkOutcome.Retry r ->
                    dead(entry, r.status() + " " + r.type() + ", after " + maxAttempts + " attempts", again);
                case BulkOutcome.Reject r -> dead(entry, r.status() + " " + r.reason(), again);
                case BulkOutcome.Fatal f -> {
                    result.completeExceptionally(new IndexException("writing to OpenSearch: " + f.reason()));
                    return;
                }
            }
        }
        probe.acknowledged(images);
        finish(again, refused, result);
    }

    private synchronized void finish(
            List<BulkEntry> again, BulkOutcome.@Nullable Retry refused, ResultHandler<BulkEntry> result) {
        if (refused == null) {
            backoff.reset();
            failures = 0;
            if (again.isEmpty()) {
                result.complete();
            } else {
                result.retryForEntries(again); // dead letters: written by the next request
            }
            return;
        }
        long waitMillis = backoff.nextMillis();
        if (failures++ % LOG_EVERY == 0) {
            LOG.warn(
                    "event=retry entries={} status={} type={} wait_ms={}",
                    again.size(),
                    refused.status(),
                    refused.type(),
                    waitMillis);
        }
        waits.schedule(() -> result.retryForEntries(again), waitMillis, TimeUnit.MILLISECONDS);
    }

    private void written(BulkEntry entry, List<BulkEntry> images) {
        ended(metrics.written);
        if (entry.op() == BulkEntry.Op.INDEX && entry.discoveredAtMillis() > 0) {
            metrics.imagesWritten.inc();
            images.add(entry);
        }
    }

    /** Keeps a refused image as a rejection. What has no image, or is itself a dead letter, is counted and logged. */
    private void dead(BulkEntry entry, String why, List<BulkEntry> again) {
        byte[] json = entry.json();
        if (json != null && entry.discoveredAtMillis() > 0) {
            metrics.deadLetters.inc();
            again.add(BulkEntry.index(rejectionIndex, entry.id(), entry.version(), DocumentJson.refused(json, why), 0));
        } else {
            LOG.warn("event=dropped op={} index={} id={} reason={}", entry.op(), entry.index(), entry.id(), why);
            ended(metrics.dropped);
        }
    }

    private void ended(Counter counter) {
        counter.inc();
        metrics.pending.decrementAndGet();
    }
}
