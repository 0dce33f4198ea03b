package lenstream.connector.opensearch;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriter;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.DequeRequestBuffer;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.apache.flink.connector.base.sink.writer.SimpleBatchCreator;
import org.apache.flink.connector.base.sink.writer.config.AsyncSinkWriterConfiguration;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends batches and settles each entry by its outcome. Only what was refused is sent again, after a wait that grows with the
 * entry's own refusals; meanwhile its request counts as in flight, and {@link InFlightLimit} lets fewer entries out: that is
 * how a slow cluster slows the job. Written to on the task thread; answers come on the client's threads and wait on one of
 * their own.
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
    private final @Nullable Pruning pruning;
    private final InFlightLimit limit;
    private final Tombstones tombstones;
    /** How often each entry that waits was refused. */
    private final Map<Refused, Integer> refusals = new ConcurrentHashMap<>();

    private final AtomicInteger refusedInARow = new AtomicInteger();

    private record Refused(String index, String id, long version) {
        static Refused of(BulkEntry entry) {
            return new Refused(entry.index(), entry.id(), entry.version());
        }
    }

    @SuppressWarnings("MustBeClosed") // the client is freed in close()
    OpenSearchWriter(
            WriterInitContext context,
            AsyncSinkWriterConfiguration settings,
            Collection<BufferedRequestState<BulkEntry>> state,
            OpenSearchConfig where,
            IndexLayout layout,
            BulkConfig bulk,
            LedgerConfig ledger,
            InFlightLimit limit) {
        super(
                (entry, ignored) -> entry,
                context,
                settings,
                state,
                new SimpleBatchCreator<>(settings.getMaxBatchSizeInBytes()),
                new DequeRequestBuffer<>());
        this.rejectionIndex = layout.rejectionIndex();
        this.maxAttempts = bulk.maxAttempts();
        this.backoff = new Backoff(bulk.firstDelay(), bulk.longestDelay(), new Random());
        this.limit = limit;
        this.metrics = new SinkMetrics(context.metricGroup(), limit::entries);
        this.tombstones = new Tombstones(layout);
        long now = System.currentTimeMillis();
        state.forEach(
                part -> part.getBufferedRequestEntries().forEach(kept -> tombstones.note(kept.getRequestEntry(), now)));
        metrics.pending.set(state.stream()
                .mapToLong(part -> part.getBufferedRequestEntries().size())
                .sum());
        this.client = IndexClient.open(where);
        this.sender = new BulkSender(client);
        this.probe = new FreshnessProbe(client, layout, new FreshnessMetrics(context.metricGroup()));
        this.pruning =
                context.getTaskInfo().getIndexOfThisSubtask() == 0 ? new Pruning(client, layout, ledger.keep()) : null;
        this.waits = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("opensearch-backoff").factory());
    }

    @Override
    public void write(BulkEntry entry, Context context) throws IOException, InterruptedException {
        metrics.in.inc();
        metrics.pending.incrementAndGet();
        tombstones.note(entry, System.currentTimeMillis());
        super.write(entry, context);
    }

    /** What was deleted lately is written again after a failure: the cluster may have forgotten it with a node. */
    @Override
    public List<BufferedRequestState<BulkEntry>> snapshotState(long checkpointId) {
        var state = new ArrayList<>(super.snapshotState(checkpointId));
        state.add(new BufferedRequestState<>(tombstones.kept().stream()
                .map(deletion -> new RequestEntryWrapper<>(deletion, getSizeInBytes(deletion)))
                .toList()));
        return state;
    }

    @Override
    protected void submitRequestEntries(List<BulkEntry> entries, ResultHandler<BulkEntry> result) {
        var sent = new ArrayList<BulkEntry>(entries.size());
        for (BulkEntry entry : entries) {
            if (tombstones.cover(entry)) {
                ended(entry, metrics.stale);
            } else {
                sent.add(entry);
            }
        }
        if (sent.isEmpty()) {
            result.complete();
            return;
        }
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
        var deadLetters = new ArrayList<BulkEntry>();
        BulkOutcome.Retry refused = null;
        for (int i = 0; i < sent.size(); i++) {
            BulkEntry entry = sent.get(i);
            switch (outcomes.get(i)) {
                case BulkOutcome.Written w -> written(entry, images);
                case BulkOutcome.Stale s -> ended(entry, metrics.stale);
                case BulkOutcome.Retry r
                when r.busy() || entry.attempts() + 1 < maxAttempts -> {
                    refused = r;
                    metrics.retried.inc();
                    again.add(r.busy() ? entry : entry.withAttempts(entry.attempts() + 1));
                }
                case BulkOutcome.Retry r ->
                    dead(entry, r.status() + " " + r.type() + ", after " + maxAttempts + " attempts", deadLetters);
                case BulkOutcome.Reject r -> dead(entry, r.status() + " " + r.reason(), deadLetters);
                case BulkOutcome.Fatal f
                when f.status() == 404 && entry.op() == BulkEntry.Op.DELETE ->
                    written(entry, images); // the index is gone, and with it what was to be deleted
                case BulkOutcome.Fatal f -> {
                    result.completeExceptionally(new IndexException("writing to OpenSearch: " + f.reason()));
                    return;
                }
            }
        }
        probe.acknowledged(images);
        if (refused == null) {
            refusedInARow.set(0);
            finish(deadLetters, result);
            return;
        }
        limit.refused();
        long waitMillis = waitMillis(again);
        if (refusedInARow.getAndIncrement() % LOG_EVERY == 0) {
            LOG.warn(
                    "event=retry entries={} status={} type={} wait_ms={} in_flight_limit={}",
                    again.size(),
                    refused.status(),
                    refused.type(),
                    waitMillis,
                    limit.entries());
        }
        again.addAll(deadLetters);
        waits.schedule(() -> finish(again, result), waitMillis, TimeUnit.MILLISECONDS);
    }

    private static void finish(List<BulkEntry> again, ResultHandler<BulkEntry> result) {
        if (again.isEmpty()) {
            result.complete();
        } else {
            result.retryForEntries(again);
        }
    }

    /** Each item draws its own wait; those of one request come back together, with the longest of them. */
    private long waitMillis(List<BulkEntry> refused) {
        int most = 1;
        for (BulkEntry entry : refused) {
            most = Math.max(most, refusals.merge(Refused.of(entry), 1, Integer::sum));
        }
        return backoff.millis(most);
    }

    private void written(BulkEntry entry, List<BulkEntry> images) {
        ended(entry, metrics.written);
        if (entry.op() == BulkEntry.Op.INDEX && entry.discoveredAtMillis() > 0) {
            metrics.imagesWritten.inc();
            images.add(entry);
        }
    }

    /** Keeps a refused image as a rejection. What has no image, or is itself a dead letter, is counted and logged. */
    private void dead(BulkEntry entry, String why, List<BulkEntry> deadLetters) {
        byte[] json = entry.json();
        if (json != null && entry.discoveredAtMillis() > 0) {
            metrics.deadLetters.inc();
            refusals.remove(Refused.of(entry));
            deadLetters.add(
                    BulkEntry.index(rejectionIndex, entry.id(), entry.version(), DocumentJson.refused(json, why), 0));
        } else {
            LOG.warn("event=dropped op={} index={} id={} reason={}", entry.op(), entry.index(), entry.id(), why);
            ended(entry, metrics.dropped);
        }
    }

    private void ended(BulkEntry entry, Counter counter) {
        refusals.remove(Refused.of(entry));
        counter.inc();
        metrics.pending.decrementAndGet();
    }
}
