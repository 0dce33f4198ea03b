package lenstream.connector.opensearch;

import lenstream.core.index.IndexLayout;
import lenstream.core.ledger.LedgerEntry;
import org.apache.flink.api.common.functions.MapFunction;

/** Makes the bulk entry of a line of the ledger. Its version is its time: of lines of one key the latest stays. */
public final class LedgerToEntries implements MapFunction<LedgerEntry, BulkEntry> {
    private static final long serialVersionUID = 1;

    private final IndexLayout layout;

    public LedgerToEntries(IndexLayout layout) {
        this.layout = layout;
    }

    @Override
    public BulkEntry map(LedgerEntry entry) {
        return of(entry, layout);
    }

    static BulkEntry of(LedgerEntry entry, IndexLayout layout) {
        return BulkEntry.index(layout.ledgerIndex(), entry.id(), entry.atMillis(), entry.json(), 0);
    }
}
