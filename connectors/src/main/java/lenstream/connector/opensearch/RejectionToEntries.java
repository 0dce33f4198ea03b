package lenstream.connector.opensearch;

import lenstream.core.image.Rejection;
import lenstream.core.index.IndexLayout;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Makes the bulk entries of an image that never reached the encoder. */
public final class RejectionToEntries implements FlatMapFunction<Rejection, BulkEntry> {
    private static final long serialVersionUID = 1;

    private final IndexLayout layout;

    public RejectionToEntries(IndexLayout layout) {
        this.layout = layout;
    }

    @Override
    public void flatMap(Rejection rejection, Collector<BulkEntry> out) {
        ImageEntries.of(rejection, layout, layout.writeAlias()).forEach(out::collect);
    }
}
