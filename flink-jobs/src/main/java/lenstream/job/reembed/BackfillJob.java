package lenstream.job.reembed;

import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.store.ImageStore;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.EmbedOperatorFactory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Fills the index of another encoder from the image store. Bounded.
 *
 * <pre>
 * image store ─► wanted (shown by the old index, absent from the new) ─► embed ─► documents (the old ones' contents,
 *                                                                                  but of what is taken down) ─► sink
 * </pre>
 */
final class BackfillJob {
    private BackfillJob() {}

    /**
     * Adds the topology to {@code env}.
     *
     * @param layout where the take-downs are
     * @param from name of the old index
     * @param to name of the new one
     * @param mostPerSecond images to embed, whatever searches bear
     */
    static void define(
            StreamExecutionEnvironment env,
            String store,
            Sink<BulkEntry> sink,
            EmbedConfig embed,
            OpenSearchConfig openSearch,
            IndexLayout layout,
            String from,
            String to,
            double mostPerSecond) {
        env.fromSource(ImageStore.source(store), WatermarkStrategy.noWatermarks(), "image-store")
                .uid("image-store")
                .transform(
                        "wanted",
                        TypeInformation.of(FetchedImage.class),
                        new WantedImages(openSearch, from, to, mostPerSecond))
                .uid("wanted")
                .rebalance()
                .transform("embed", TypeInformation.of(ArrowBatch.class), new EmbedOperatorFactory(embed))
                .uid("embed")
                .flatMap(new MovedDocuments(openSearch, layout, from, to))
                .returns(TypeInformation.of(BulkEntry.class))
                .name("documents")
                .uid("documents")
                .sinkTo(sink)
                .name("opensearch")
                .uid("opensearch");
    }
}
