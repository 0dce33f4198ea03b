package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.decode.EncodedBatch;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.lifetime.Closer;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The stages on the CPU. One lane: while a sub-batch is inferred, a pool decodes and preprocesses the next one into a second
 * tensor. Queries run on the threads that ask.
 */
final class HostEngine implements Engine {
    /** One sub-batch under inference, one being prepared. */
    private static final int TENSORS = 2;

    private static final long QUERY_SECONDS = 60;

    private final Closer closer;
    private final Stages stages;
    private final Lane lane;
    private final BufferAllocator allocator;
    private final ArrayBlockingQueue<HostTensor> queryTensors;
    private final ArrayBlockingQueue<HostTensor> queryBatches;
    private final ImageEmbedder.Queries queries;
    private final int querySlots;
    private final AtomicBoolean closed = new AtomicBoolean();

    private HostEngine(
            Closer closer,
            Stages stages,
            Lane lane,
            BufferAllocator allocator,
            ArrayBlockingQueue<HostTensor> queryTensors,
            ArrayBlockingQueue<HostTensor> queryBatches,
            ImageEmbedder.Queries queries) {
        this.closer = closer;
        this.stages = stages;
        this.lane = lane;
        this.allocator = allocator;
        this.queryTensors = queryTensors;
        this.queryBatches = queryBatches;
        this.queries = queries;
        this.querySlots = queryTensors.size();
    }

    /**
     * Opens the stages.
     *
     * @param allocator borrowed until {@link #close()}
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // registered with the closer, which close() closes
    static HostEngine open(
            PipelineConfig config,
            ModelBundle bundle,
            BufferAllocator allocator,
            EmbeddingPipeline.EmbedderFactory factory) {
        Preprocessing rules = bundle.encoder().image().preprocessing();
        var closer = new Closer();
        try {
            ImageEmbedder embedder = closer.register(factory.open(bundle, config.inferenceThreads()));
            var preprocessor = closer.register(new HostPreprocessor(rules));
            var decoder = closer.register(new HostImageDecoder(
                    config.limits(), EmbeddingPipeline.decodeRules(rules), config.decodeThreads() + 1));
            var stages = new Stages(decoder, preprocessor, embedder);
            ImageEmbedder.Queries queries = embedder.queries();
            // while batches are inferred the next images are read
            int querySlots = Runtime.getRuntime().availableProcessors() + queries.most() * queries.lanes();
            var queryTensors = new ArrayBlockingQueue<HostTensor>(querySlots);
            for (int i = 0; i < querySlots; i++) {
                queryTensors.add(closer.register(HostTensor.allocate(allocator, 1, rules.size())));
            }
            var queryBatches = new ArrayBlockingQueue<HostTensor>(queries.lanes());
            for (int i = 0; i < queries.lanes(); i++) {
                queryBatches.add(closer.register(HostTensor.allocate(allocator, queries.most(), rules.size())));
            }
            var tensors = new ArrayList<HostTensor>();
            for (int i = 0; i < TENSORS; i++) {
                tensors.add(closer.register(HostTensor.allocate(allocator, config.subBatchRows(), rules.size())));
            }
            ExecutorService pool = pool(config.decodeThreads());
            closer.register(() -> shutDown(pool));
            var lane = closer.register(new Lane(stages, pool, allocator, tensors, config.thumbnails()));
            return new HostEngine(closer, stages, lane, allocator, queryTensors, queryBatches, queries);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    private static ExecutorService pool(int threads) {
        return Executors.newFixedThreadPool(
                threads,
                Thread.ofPlatform().name("lenstream-decode-", 0).daemon().factory());
    }

    private static void shutDown(ExecutorService pool) throws InterruptedException {
        pool.shutdownNow();
        if (!pool.awaitTermination(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the decode threads did not end within 60 s");
        }
    }

    @Override
    public CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images) {
        return lane.submit(images);
    }

    @Override
    @MustBeClosed
    public PreparedQuery prepare(byte[] encoded, @Nullable Region region) throws ImageRejectedException {
        HostTensor tensor = take(queryTensors, "read");
        boolean done = false;
        try (EncodedBatch batch = EncodedBatch.of(List.of(encoded), allocator)) {
            Stages.Prepared read = stages.prepare(batch.rowView(0), tensor, 0, false, region);
            Reason reason = read.reason();
            String mime = read.mime();
            if (reason != null || mime == null) {
                throw new ImageRejectedException(Stage.DECODE, reason == null ? Reason.CORRUPT : reason, read.detail());
            }
            done = true;
            return PreparedQuery.in(tensor, read, mime, () -> queryTensors.add(tensor));
        } finally {
            if (!done) {
                queryTensors.add(tensor);
            }
        }
    }

    @Override
    public List<Embedding> infer(List<PreparedQuery> wanted) {
        HostTensor only = wanted.size() == 1 ? wanted.getFirst().tensor() : null;
        if (only != null) {
            return stages.infer(only, 1);
        }
        var out = new ArrayList<Embedding>(wanted.size());
        HostTensor batch = take(queryBatches, "embed");
        try {
            for (int from = 0; from < wanted.size(); from += queries.most()) {
                List<PreparedQuery> part = wanted.subList(from, Math.min(wanted.size(), from + queries.most()));
                for (int row = 0; row < part.size(); row++) {
                    batch.rowView(row).put(Objects.requireNonNull(part.get(row).values()));
                }
                out.addAll(stages.infer(batch, part.size()));
            }
            return out;
        } finally {
            queryBatches.add(batch);
        }
    }

    @Override
    public ImageEmbedder.Queries queries() {
        return queries;
    }

    /** A tensor of ours, to be given back. */
    private HostTensor take(ArrayBlockingQueue<HostTensor> free, String verb) {
        if (closed.get()) {
            throw new IllegalStateException("the pipeline is closed");
        }
        HostTensor tensor;
        try {
            tensor = free.poll(QUERY_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting to " + verb + " a query", e);
        }
        if (tensor == null) {
            throw new IllegalStateException("no room to " + verb + " a query within " + QUERY_SECONDS + " s");
        }
        if (closed.get()) {
            free.add(tensor);
            throw new IllegalStateException("the pipeline is closed");
        }
        return tensor;
    }

    @Override
    public PipelineStats stats() {
        return new PipelineStats(
                stages.in.sum(),
                stages.embedded.sum(),
                stages.rejected.sum(),
                stages.inferences.sum(),
                stages.decodeNanos.sum(),
                stages.preprocessNanos.sum(),
                stages.inferenceNanos.sum());
    }

    @Override
    public int rowsInFlight() {
        return 0;
    }

    @Override
    public String name() {
        return "CPU";
    }

    @Override
    public boolean onDevice() {
        return false;
    }

    @Override
    public Map<String, LongSupplier> gauges() {
        return Map.of();
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        boolean interrupted = false;
        for (int taken = 0;
                taken
                        < querySlots
                                + queries
                                        .lanes(); ) { // queries under way give their tensors back; new ones are refused
            try {
                var awaited = taken < querySlots ? queryTensors : queryBatches;
                if (awaited.poll(QUERY_SECONDS, TimeUnit.SECONDS) == null) {
                    throw new IllegalStateException("a query did not end within " + QUERY_SECONDS + " s");
                }
                taken++;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        closer.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
