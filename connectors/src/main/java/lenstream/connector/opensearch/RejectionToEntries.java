package lenstream.connector.opensearch;

import java.util.Optional;
import lenstream.core.image.Rejection;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpaceWatch;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Makes the bulk entries of an image that never reached the encoder. What it withdraws, it withdraws from every space that
 * is written.
 */
public final class RejectionToEntries extends RichFlatMapFunction<Rejection, BulkEntry> {
    private static final long serialVersionUID = 1;

    private final IndexLayout layout;
    private final SpaceWatch.@Nullable Where plans;
    private transient @Nullable SpaceWatch watch;
    private transient @Nullable RejectionCounters rejections;

    /** @param plans where a move to another encoder is announced; null if there is none to come */
    public RejectionToEntries(IndexLayout layout, SpaceWatch.@Nullable Where plans) {
        this.layout = layout;
        this.plans = plans;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open(OpenContext context) {
        rejections = new RejectionCounters(getRuntimeContext().getMetricGroup());
        watch = plans == null ? null : SpaceWatch.start(plans, null, plan -> null);
    }

    @Override
    public void flatMap(Rejection rejection, Collector<BulkEntry> out) {
        if (rejections != null) {
            rejections.count(rejection.stage(), rejection.reason());
        }
        Optional<SpacePlan> plan = watch == null ? Optional.empty() : watch.plan();
        if (plan.isEmpty()) {
            ImageEntries.of(rejection, layout, layout.writeAlias()).forEach(out::collect);
            return;
        }
        boolean first = true;
        for (Space space : plan.get().written()) {
            String index = layout.imageIndex(new Fingerprint(space.fingerprint()));
            for (BulkEntry entry : ImageEntries.of(rejection, layout, index)) {
                if (first || entry.index().equals(index)) {
                    out.collect(entry);
                }
            }
            first = false;
        }
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }
}
