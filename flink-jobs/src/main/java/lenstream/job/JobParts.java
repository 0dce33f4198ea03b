package lenstream.job;

import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.store.StoreConfig;
import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.SpaceWatch;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.jspecify.annotations.Nullable;

/**
 * What {@link ImageIndexJob} is built from. Immutable.
 *
 * @param intake where the images come from; its parallelism is the environment's
 * @param commands in the order of their log
 * @param sink takes one entry a document
 * @param fetch how to fetch
 * @param embed how to embed
 * @param layout names of the indices
 * @param embedders parallelism of the embed operator: one a device
 * @param store where fetched images are kept; null keeps none
 * @param plans where a move to another encoder is announced; null if there is none to come
 * @param ocr how words in pictures are read; null if nobody does
 */
record JobParts(
        Intake intake,
        Source<Command, ?, ?> commands,
        Sink<BulkEntry> sink,
        FetchConfig fetch,
        EmbedConfig embed,
        IndexLayout layout,
        int embedders,
        @Nullable StoreConfig store,
        SpaceWatch.@Nullable Where plans,
        @Nullable OcrConfig ocr) {

    /** The same with a source of targets alone, and without words. */
    JobParts(
            Source<CrawlTarget, ?, ?> source,
            Source<Command, ?, ?> commands,
            Sink<BulkEntry> sink,
            FetchConfig fetch,
            EmbedConfig embed,
            IndexLayout layout,
            int embedders,
            @Nullable StoreConfig store,
            SpaceWatch.@Nullable Where plans) {
        this(Intake.of(source), commands, sink, fetch, embed, layout, embedders, store, plans, null);
    }
}
