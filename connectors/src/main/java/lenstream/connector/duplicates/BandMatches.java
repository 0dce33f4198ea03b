package lenstream.connector.duplicates;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Keyed by band: the adapter of {@link BandIndex}. */
final class BandMatches extends KeyedProcessFunction<Integer, Probe, GroupEvent> {
    private static final long serialVersionUID = 1;

    private final DuplicateConfig config;
    private transient @Nullable BandIndex index;
    private transient @Nullable Counter matches;

    BandMatches(DuplicateConfig config) {
        this.config = config;
    }

    @Override
    public void open(OpenContext context) {
        var drawers =
                new MapStateDescriptor<>("drawers", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        var vectors = new MapStateDescriptor<>(
                "vectors", Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        drawers.enableTimeToLive(Retention.sinceWritten(config.remembered()));
        vectors.enableTimeToLive(Retention.sinceWritten(config.remembered()));
        index = new BandIndex(
                config,
                new StateTable<>(getRuntimeContext().getMapState(drawers)),
                new StateTable<>(getRuntimeContext().getMapState(vectors)));
        matches = getRuntimeContext().getMetricGroup().counter("lenstream_near_duplicates");
    }

    @Override
    public void processElement(Probe probe, Context context, Collector<GroupEvent> out) {
        if (index == null || matches == null) {
            throw new IllegalStateException("not open");
        }
        for (String content : index.matchAndFile(probe)) {
            matches.inc();
            out.collect(GroupEvent.alike(content, probe.content()));
        }
    }
}
