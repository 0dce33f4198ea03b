package lenstream.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.function.Function;
import lenstream.connector.alert.AlertMatching;
import lenstream.connector.alert.AlertState;
import lenstream.connector.command.NothingToWaitFor;
import lenstream.connector.command.TakedownState;
import lenstream.connector.command.TakedownSweep;
import lenstream.connector.crawl.PushOperatorFactory;
import lenstream.connector.duplicates.DuplicateConfig;
import lenstream.connector.duplicates.NearDuplicates;
import lenstream.connector.fetch.VisitOperatorFactory;
import lenstream.connector.opensearch.BatchToEntries;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.opensearch.GuardedEntries;
import lenstream.connector.opensearch.LedgerToEntries;
import lenstream.connector.opensearch.RejectionToEntries;
import lenstream.connector.rights.OwnRights;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.GuardedImages;
import lenstream.connector.source.SortArrivals;
import lenstream.connector.store.ImageStore;
import lenstream.connector.store.StoreConfig;
import lenstream.core.command.Command;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.PixelRules;
import lenstream.core.image.Rejection;
import lenstream.core.image.StoredImage;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.SpaceWatch;
import lenstream.core.ledger.LedgerEntry;
import lenstream.gpu.operator.EmbedOperatorFactory;
import lenstream.gpu.operator.KeepPixels;
import lenstream.gpu.operator.OcrConfig;
import lenstream.gpu.operator.ReadWords;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * The index job: discover → visit → embed → upsert. The topology is built from parts that are handed in, so that a test
 * on a mini cluster runs the same one.
 *
 * <pre>
 * targets ────────┬─► visit (keyed by host) ─► (ocr) ─► embed (one device a subtask) ─► entries ─► sink
 * arrivals ────────┤      │   ▲ images that came with their bytes
 * commands ─► push ┘      ├── keep ─► image store
 *     │                   ├── rejections ─────────────────────────────────► entries ─┤
 *     │                   │          embed ─► alerts ─────────────────────► matches ─┤
 *     │                   └── ledger ─────────────────────────────────────► entries ─┘
 *     └── broadcast: visit and entries leave out what is taken down, sweep removes what was on its way; alerts are matched
 * </pre>
 */
public final class ImageIndexJob {
    /** Source and visit run in one slot, so that they share each host's permit. */
    private static final String CO_LOCATION = "hosts";

    private ImageIndexJob() {}

    /** Adds the topology to {@code env}. */
    public static void define(StreamExecutionEnvironment env, JobParts parts) {
        define(
                env,
                parts,
                images -> images.transform(
                        "embed",
                        TypeInformation.of(ArrowBatch.class),
                        new EmbedOperatorFactory(parts.embed(), parts.plans())));
    }

    /**
     * The same with the embed part handed in.
     *
     * @param embedding turns each image into a row of a batch
     */
    static void define(
            StreamExecutionEnvironment env,
            JobParts parts,
            Function<DataStream<FetchedImage>, SingleOutputStreamOperator<ArrowBatch>> embedding) {
        IndexLayout layout = parts.layout();
        StoreConfig store = parts.store();
        SpaceWatch.Where plans = parts.plans();
        Intake intake = parts.intake();
        DataStream<CrawlTarget> discovered = discovered(env, intake.targets());
        SingleOutputStreamOperator<CrawlTarget> arrived = arrived(env, intake.arrivals());
        DataStream<CrawlTarget> targets = union(discovered, arrived);
        DataStream<Command> commanded = env.fromSource(
                        parts.commands(),
                        WatermarkStrategy.forGenerator(context -> new NothingToWaitFor()),
                        "commands",
                        TypeInformation.of(Command.class))
                .uid("commands")
                .setParallelism(1); // one log, one order
        DataStream<CrawlTarget> wanted = targets;
        if (intake.readsPages()) {
            DataStream<Command> pushes = commanded
                    .filter(PushOperatorFactory::isPush)
                    .name("pushes")
                    .uid("pushes")
                    .setParallelism(1);
            SingleOutputStreamOperator<CrawlTarget> pushed = (arrived == null
                            ? pushes
                            : pushes.union(arrived.getSideOutput(SortArrivals.PAGES)))
                    .keyBy(PushOperatorFactory::host, Types.STRING)
                    .transform("push", TypeInformation.of(CrawlTarget.class), new PushOperatorFactory(parts.fetch()))
                    .uid("push");
            pushed.getTransformation().setCoLocationGroupKey(CO_LOCATION);
            wanted = targets.union(pushed);
        }
        SingleOutputStreamOperator<FetchedImage> fetched = wanted.keyBy(CrawlTarget::host, Types.STRING)
                .connect(commanded.broadcast())
                .transform(
                        "visit",
                        TypeInformation.of(FetchedImage.class),
                        new VisitOperatorFactory(parts.fetch(), intake.readsPages()))
                .uid(VisitOperatorFactory.UID);
        if (discovered != null) {
            discovered.getTransformation().setCoLocationGroupKey(CO_LOCATION);
        }
        fetched.getTransformation().setCoLocationGroupKey(CO_LOCATION);

        DataStream<FetchedImage> images = fetched;
        DataStream<Rejection> rejections = fetched.getSideOutput(VisitOperatorFactory.REJECTIONS);
        DataStream<LedgerEntry> decisions = fetched.getSideOutput(VisitOperatorFactory.LEDGER);
        if (arrived != null) {
            images = fetched.union(arrived.getSideOutput(SortArrivals.IMAGES)
                    .connect(commanded.broadcast(TakedownState.TAKEDOWNS))
                    .process(new GuardedImages(plans), TypeInformation.of(FetchedImage.class))
                    .name("guard-arrivals")
                    .uid("guard-arrivals"));
            rejections = rejections.union(arrived.getSideOutput(SortArrivals.REJECTIONS));
            decisions = decisions.union(arrived.getSideOutput(SortArrivals.LEDGER));
        }

        images = images.map(new OwnRights())
                .returns(TypeInformation.of(FetchedImage.class))
                .name("rights")
                .uid("rights");

        if (store != null) {
            images.flatMap(new KeepPixels(
                            store.rules(), parts.embed().pipeline().limits()))
                    .returns(TypeInformation.of(StoredImage.class))
                    .name("keep")
                    .uid("keep")
                    .startNewChain() // decoding for a copy must not hold up the visits
                    .sinkTo(ImageStore.sink(store))
                    .name("image-store")
                    .uid(storeUid(store));
        }

        OcrConfig ocr = parts.ocr();
        if (ocr != null) {
            images = images.rebalance() // by far the slowest of an image's steps on a CPU
                    .map(new ReadWords(ocr, parts.embed().pipeline().limits()))
                    .returns(TypeInformation.of(FetchedImage.class))
                    .name("ocr")
                    .uid("ocr")
                    .setParallelism(ocr.readers());
        }

        SingleOutputStreamOperator<ArrowBatch> embedded =
                embedding.apply(images.rebalance()).uid("embed").setParallelism(parts.embedders());
        var toEntries = new BatchToEntries(layout, store == null ? PixelRules.NONE : store.rules());
        DataStream<BulkEntry> documents = embedded.connect(commanded.broadcast(TakedownState.TAKEDOWNS))
                .process(new GuardedEntries(toEntries, plans), TypeInformation.of(BulkEntry.class))
                .name("documents")
                .uid("documents")
                .setParallelism(parts.embedders());
        DataStream<ArrowBatch> inSecondSpace = embedded.getSideOutput(EmbedOperatorFactory.SECOND);
        DataStream<BulkEntry> second = inSecondSpace
                .connect(commanded.broadcast(TakedownState.TAKEDOWNS))
                .process(new GuardedEntries(toEntries.vectorsOnly(), plans), TypeInformation.of(BulkEntry.class))
                .name("documents-second")
                .uid("documents-second")
                .setParallelism(parts.embedders());
        DataStream<BulkEntry> matches = embedded.union(inSecondSpace)
                .connect(commanded.broadcast(AlertState.ALERTS, TakedownState.TAKEDOWNS))
                .process(new AlertMatching(layout, plans), TypeInformation.of(BulkEntry.class))
                .name("alerts")
                .uid("alerts")
                .setParallelism(parts.embedders());
        DataStream<BulkEntry> deadLetters = rejections
                .flatMap(new RejectionToEntries(layout, plans))
                .returns(TypeInformation.of(BulkEntry.class))
                .name("dead-letters")
                .uid("dead-letters");
        DataStream<BulkEntry> ledger = decisions
                .map(new LedgerToEntries(layout))
                .returns(TypeInformation.of(BulkEntry.class))
                .name("ledger")
                .uid("ledger");
        if (plans != null) {
            commanded
                    .flatMap(new TakedownSweep(plans.openSearch(), layout))
                    .returns(TypeInformation.of(Command.class))
                    .name("sweep")
                    .uid("sweep")
                    .setParallelism(1);
        }
        documents
                .union(second, deadLetters, ledger, matches)
                .keyBy(BulkEntry::id, Types.STRING) // see OpenSearchSink
                .sinkTo(parts.sink())
                .name("opensearch")
                .uid("opensearch");

        NearDuplicates.of(embedded, targets, rejections, DuplicateConfig.defaults(), layout)
                .sinkTo(parts.sink()) // its own: an update that waits for its document holds up no document
                .name("opensearch-groups")
                .uid("opensearch-groups")
                .setParallelism(1);
    }

    private static @Nullable DataStream<CrawlTarget> discovered(
            StreamExecutionEnvironment env, @Nullable Source<CrawlTarget, ?, ?> source) {
        return source == null
                ? null
                : env.fromSource(
                                source,
                                WatermarkStrategy.noWatermarks(),
                                "discover",
                                TypeInformation.of(CrawlTarget.class))
                        .uid("discover");
    }

    private static @Nullable SingleOutputStreamOperator<CrawlTarget> arrived(
            StreamExecutionEnvironment env, @Nullable Source<Arrival, ?, ?> source) {
        return source == null
                ? null
                : env.fromSource(
                                source, WatermarkStrategy.noWatermarks(), "arrivals", TypeInformation.of(Arrival.class))
                        .uid("arrivals")
                        .process(new SortArrivals(), TypeInformation.of(CrawlTarget.class))
                        .name("sort-arrivals")
                        .uid("sort-arrivals");
    }

    private static DataStream<CrawlTarget> union(
            @Nullable DataStream<CrawlTarget> discovered, @Nullable DataStream<CrawlTarget> arrived) {
        if (discovered == null || arrived == null) {
            return discovered == null ? Objects.requireNonNull(arrived, "an intake has a source") : discovered;
        }
        return discovered.union(arrived);
    }

    private static String storeUid(StoreConfig store) {
        try {
            return ImageStore.uid(store);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot write to the image store " + store.uri() + ": " + e.getMessage() + "; name another with"
                            + " --store, or --no-store",
                    e);
        }
    }
}
