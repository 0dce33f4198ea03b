package lenstream.connector.duplicates;

import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Rejection;
import lenstream.core.index.IndexLayout;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.OutputTag;

/**
 * The part of a job that groups near-duplicates, beside the way of the documents, which wait for nothing:
 *
 * <pre>
 * batches ─► sketches ─► bands (keyed by band of the perceptual hash) ── alike ──┐
 *                └────────────────── observed ──────────────────────────────────┤
 * targets ──────────────────────────── seen ────────────────────────────────────┼─► groups (one subtask) ─► entries
 * rejections ───────────────────────── gone ────────────────────────────────────┘
 * </pre>
 */
public final class NearDuplicates {
    private static final OutputTag<GroupEvent> GONE = new OutputTag<>("gone", TypeInformation.of(GroupEvent.class));

    private NearDuplicates() {}

    /**
     * Adds the topology.
     *
     * @return updates of image documents, and documents of groups, for a sink of parallelism 1
     */
    public static DataStream<BulkEntry> of(
            DataStream<ArrowBatch> batches,
            DataStream<CrawlTarget> targets,
            DataStream<Rejection> rejections,
            DuplicateConfig config,
            IndexLayout layout) {
        SingleOutputStreamOperator<Sketch> sketches = batches.process(new BatchToSketches(GONE))
                .returns(TypeInformation.of(Sketch.class))
                .name("sketches")
                .uid("sketches")
                .setParallelism(batches.getParallelism());
        DataStream<GroupEvent> seen = targets.filter(target -> target.pageUrl() != null)
                .name("on-a-page")
                .map(GroupEvent::seen)
                .returns(TypeInformation.of(GroupEvent.class))
                .name("seen")
                .uid("seen");
        DataStream<GroupEvent> gone = rejections
                .filter(rejection -> rejection.reason().withdraws())
                .name("withdrawn")
                .map(GroupEvent::gone)
                .returns(TypeInformation.of(GroupEvent.class))
                .name("gone")
                .uid("gone");
        return of(sketches, seen.union(gone, sketches.getSideOutput(GONE)), config, layout);
    }

    static DataStream<BulkEntry> of(
            DataStream<Sketch> sketches, DataStream<GroupEvent> others, DuplicateConfig config, IndexLayout layout) {
        DataStream<GroupEvent> alike = sketches.filter(Sketch::hashed)
                .name("hashed")
                .<Probe>flatMap((sketch, out) -> {
                    for (int band = 0; band < BandIndex.BANDS; band++) {
                        out.collect(new Probe(band, sketch.content(), sketch.hash(), sketch.vector()));
                    }
                })
                .returns(TypeInformation.of(Probe.class))
                .name("probes")
                .keyBy(Probe::band, Types.INT)
                .process(new BandMatches(config))
                .returns(TypeInformation.of(GroupEvent.class))
                .name("bands")
                .uid("bands");
        DataStream<GroupEvent> observed = sketches.map(GroupEvent::observed)
                .returns(TypeInformation.of(GroupEvent.class))
                .name("observed")
                .uid("observed");
        return observed.union(alike, others)
                .keyBy(event -> GroupOperator.KEY, Types.INT)
                .transform("groups", TypeInformation.of(BulkEntry.class), new GroupOperator(config, layout))
                .uid("groups")
                .setParallelism(1);
    }
}
