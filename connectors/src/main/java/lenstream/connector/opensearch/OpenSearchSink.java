package lenstream.connector.opensearch;

import java.util.Collection;
import java.util.List;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.AsyncSinkBase;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.config.AsyncSinkWriterConfiguration;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Writes {@link BulkEntry}s to OpenSearch, at least once; external versions make repetition and reordering harmless.
 *
 * <p>Partition the stream by {@link BulkEntry#id()}: a deletion then passes through the same subtask as what it deletes,
 * whose {@link Tombstones} keep older entries from bringing it back.
 *
 * <p>A busy, blocked or absent cluster is waited for without limit, which becomes back-pressure. An item that is refused
 * for its own fault becomes a dead letter in the rejection index; a fault of the set-up fails the job. The indices must
 * exist: {@link lenstream.core.index.IndexSetup}.
 */
public final class OpenSearchSink extends AsyncSinkBase<BulkEntry, BulkEntry> {
    private static final long serialVersionUID = 1;
    /** Batches that wait in memory beside those in flight. */
    private static final int BUFFERED_BATCHES = 4;

    private final OpenSearchConfig where;
    private final IndexLayout layout;
    private final BulkConfig bulk;
    private final LedgerConfig ledger;

    public OpenSearchSink(OpenSearchConfig where, IndexLayout layout, BulkConfig bulk) {
        this(where, layout, bulk, LedgerConfig.defaults());
    }

    public OpenSearchSink(OpenSearchConfig where, IndexLayout layout, BulkConfig bulk, LedgerConfig ledger) {
        super(
                (entry, context) -> entry,
                bulk.count(),
                bulk.inFlight(),
                bulk.count() * BUFFERED_BATCHES,
                bulk.bytes().bytes(),
                bulk.linger().toMillis(),
                bulk.bytes().bytes());
        this.where = where;
        this.layout = layout;
        this.bulk = bulk;
        this.ledger = ledger;
    }

    @Override
    public StatefulSinkWriter<BulkEntry, BufferedRequestState<BulkEntry>> createWriter(WriterInitContext context) {
        return restoreWriter(context, List.of());
    }

    @Override
    public StatefulSinkWriter<BulkEntry, BufferedRequestState<BulkEntry>> restoreWriter(
            WriterInitContext context, Collection<BufferedRequestState<BulkEntry>> state) {
        var limit = new InFlightLimit(bulk.count(), bulk.inFlight());
        var settings = AsyncSinkWriterConfiguration.builder()
                .setMaxBatchSize(getMaxBatchSize())
                .setMaxBatchSizeInBytes(getMaxBatchSizeInBytes())
                .setMaxInFlightRequests(getMaxInFlightRequests())
                .setMaxBufferedRequests(getMaxBufferedRequests())
                .setMaxTimeInBufferMS(getMaxTimeInBufferMS())
                .setMaxRecordSizeInBytes(getMaxRecordSizeInBytes())
                .setRequestTimeoutMS(giveUpMillis())
                .setFailOnTimeout(false)
                .setRateLimitingStrategy(limit)
                .build();
        return new OpenSearchWriter(context, settings, state, where, layout, bulk, ledger, limit);
    }

    @Override
    public SimpleVersionedSerializer<BufferedRequestState<BulkEntry>> getWriterStateSerializer() {
        return new BulkEntrySerializer();
    }

    /**
     * When Flink sends a request again because it heard nothing. Our client always answers within its own timeouts (once
     * for each half of a divided request), so this is the last resort and far beyond them.
     */
    private long giveUpMillis() {
        return 20 * where.requestTimeout().toMillis() + bulk.longestDelay().toMillis();
    }
}
