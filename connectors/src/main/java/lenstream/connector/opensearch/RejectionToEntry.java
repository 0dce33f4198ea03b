package lenstream.connector.opensearch;

import lenstream.core.image.Rejection;
import lenstream.core.index.IndexLayout;
import org.apache.flink.api.common.functions.MapFunction;

/** Makes the bulk entry of a rejection. */
public final class RejectionToEntry implements MapFunction<Rejection, BulkEntry> {
    private static final long serialVersionUID = 1;

    private final IndexLayout layout;

    public RejectionToEntry(IndexLayout layout) {
        this.layout = layout;
    }

    @Override
    public BulkEntry map(Rejection rejection) {
        return ImageEntries.of(rejection, layout);
    }
}
