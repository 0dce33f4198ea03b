package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.EncodedBatch;
import lenstream.gpu.decode.Ground;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encoded images in, embeddings out. One lane: while a sub-batch is inferred, a pool decodes and preprocesses the next one
 * into a second tensor. Batches for the index and single queries go through the same stages.
 *
 * <p>Thread-safe. Owns its threads, its session and an Arrow child allocator; {@link #close()} frees them all, also while
 * batches are under way, whose futures then are cancelled. Opening runs the bundle's golden images through the very same
 * stages and refuses to start below a cosine of 0.999.
 */
public final class EmbeddingPipeline implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddingPipeline.class);

    /** One sub-batch under inference, one being prepared. */
    private static final int TENSORS = 2;

    /** Encoded bytes under way and tensors; far above what batches of web images need. */
    private static final long MAX_ARROW_BYTES = 4L << 30;

    private static final long QUERY_SECONDS = 60;

    private final ModelBundle bundle;
    private final Closer closer;
    private final Stages stages;
    private final Lane lane;
    private final BufferAllocator allocator;
    private final ArrayBlockingQueue<HostTensor> queryTensors;
    private final int querySlots;
    private final double parityCosineMin;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddingPipeline(
            ModelBundle bundle,
            Closer closer,
            Stages stages,
            Lane lane,
            BufferAllocator allocator,
            ArrayBlockingQueue<HostTensor> queryTensors,
            double parityCosineMin) {
        this.bundle = bundle;
        this.closer = closer;
        this.stages = stages;
        this.lane = lane;
        this.allocator = allocator;
        this.queryTensors = queryTensors;
        this.querySlots = queryTensors.size();
        this.parityCosineMin = parityCosineMin;
    }

    /**
     * Opens a pipeline with an allocator of its own.
     *
     * @throws lenstream.core.config.ConfigException if the bundle or its model cannot be used
     * @throws ParityException if the golden images come out wrong
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static EmbeddingPipeline open(PipelineConfig config) {
        var closer = new Closer();
        try {
            return open(config, closer.register(new RootAllocator()), OnnxImageEmbedder::open, closer);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    /**
     * Opens a pipeline whose memory is a child of {@code parent}, which is borrowed until {@link #close()}.
     *
     * @throws lenstream.core.config.ConfigException if the bundle or its model cannot be used
     * @throws ParityException if the golden images come out wrong
     */
    @MustBeClosed
    public static EmbeddingPipeline open(PipelineConfig config, BufferAllocator parent) {
        return open(config, parent, OnnxImageEmbedder::open);
    }

    /** Opens a pipeline around an image tower of the caller's choice, which it then owns. */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static EmbeddingPipeline open(PipelineConfig config, BufferAllocator parent, EmbedderFactory factory) {
        var closer = new Closer();
        try {
            return open(config, parent, factory, closer);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    /** Opens the image tower of a bundle. */
    @FunctionalInterface
    public interface EmbedderFactory {
        /**
         * @param threads of the tower's arithmetic
         */
        @MustBeClosed
        ImageEmbedder open(ModelBundle bundle, int threads);
    }

    @SuppressWarnings("MustBeClosed") // registered with the closer
    private static EmbeddingPipeline open(
            PipelineConfig config, BufferAllocator parent, EmbedderFactory factory, Closer closer) {
        ModelBundle bundle = ModelBundle.load(Path.of(config.bundle()));
        Preprocessing rules = bundle.encoder().image().preprocessing();
        BufferAllocator allocator = closer.register(parent.newChildAllocator("lenstream-embed", 0, MAX_ARROW_BYTES));
        ImageEmbedder embedder = closer.register(factory.open(bundle, config.inferenceThreads()));
        var preprocessor = closer.register(new HostPreprocessor(rules));
        var decoder =
                closer.register(new HostImageDecoder(config.limits(), decodeRules(rules), config.decodeThreads() + 1));
        var stages = new Stages(decoder, preprocessor, embedder);

        int querySlots = Runtime.getRuntime().availableProcessors();
        var queryTensors = new ArrayBlockingQueue<HostTensor>(querySlots);
        for (int i = 0; i < querySlots; i++) {
            queryTensors.add(closer.register(HostTensor.allocate(allocator, 1, rules.size())));
        }
        double parity = parity(bundle, stages, queryTensors.element());

        var tensors = new ArrayList<HostTensor>();
        for (int i = 0; i < TENSORS; i++) {
            tensors.add(closer.register(HostTensor.allocate(allocator, config.subBatchRows(), rules.size())));
        }
        ExecutorService pool = pool(config.decodeThreads());
        closer.register(() -> shutDown(pool));
        var lane = closer.register(new Lane(stages, pool, allocator, tensors));
        LOG.info(
                "event=pipeline_open fingerprint={} sub_batch_rows={} decode_threads={} inference_threads={}"
                        + " parity_cosine_min={}",
                bundle.fingerprint(),
                config.subBatchRows(),
                config.decodeThreads(),
                config.inferenceThreads(),
                parity);
        return new EmbeddingPipeline(bundle, closer, stages, lane, allocator, queryTensors, parity);
    }

    private static DecodeRules decodeRules(Preprocessing rules) {
        return new DecodeRules(
                rules.exifOrientation() == Preprocessing.Orientation.APPLY,
                rules.alpha() == Preprocessing.Alpha.WHITE ? Ground.WHITE : Ground.DROP);
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

    private static double parity(ModelBundle bundle, Stages stages, HostTensor tensor) {
        double lowest = 1;
        for (GoldenImages.Golden golden : GoldenImages.read(bundle)) {
            float[] vector;
            try {
                vector = stages.query(direct(golden.bytes()), tensor, null).embedding();
            } catch (ImageRejectedException e) {
                throw new ParityException(
                        bundle.fingerprint() + ": the golden image " + golden.file() + " was rejected: " + e.detail());
            }
            double cosine = GoldenImages.cosine(vector, golden.vector());
            if (!(cosine >= GoldenImages.LOWEST_COSINE)) {
                throw new ParityException(bundle.fingerprint() + ": the golden image " + golden.file()
                        + " comes out with a cosine of " + cosine + " to its reference, below "
                        + GoldenImages.LOWEST_COSINE
                        + "; this machine would fill the index with vectors of another space");
            }
            lowest = Math.min(lowest, cosine);
        }
        return lowest;
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    public ModelBundle bundle() {
        return bundle;
    }

    public Fingerprint fingerprint() {
        return bundle.fingerprint();
    }

    /** Length of the embeddings. */
    public int dim() {
        return bundle.encoder().dim();
    }

    /** The lowest cosine of a golden image at start-up; 1 if the bundle has none. */
    public double parityCosineMin() {
        return parityCosineMin;
    }

    /** What has been done so far. */
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

    /**
     * Embeds images and waits for it.
     *
     * @return one row an image, in the same order; rejected images are rows too
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed
     */
    public List<EmbeddedImage> embed(List<FetchedImage> images) {
        try {
            return submit(images).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /**
     * Queues images behind those submitted before. The future completes on the lane's thread, in order of submission, and
     * is cancelled by {@link #close()}. After one failure everything else under way fails with it.
     */
    public CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images) {
        return lane.submit(images);
    }

    /** Embeds one image on the calling thread; see {@link #embedQuery(byte[], Region)}. */
    public QueryImage embedQuery(byte[] encoded) throws ImageRejectedException {
        return query(encoded, null);
    }

    /**
     * Embeds a region of one image on the calling thread. As many queries run at once as there are processors; others wait.
     *
     * @throws ImageRejectedException if the image cannot be decoded or embedded
     * @throws IllegalArgumentException if the region lies outside the image
     */
    public QueryImage embedQuery(byte[] encoded, Region region) throws ImageRejectedException {
        return query(encoded, region);
    }

    private QueryImage query(byte[] encoded, @Nullable Region region) throws ImageRejectedException {
        if (closed.get()) {
            throw new IllegalStateException("the pipeline is closed");
        }
        HostTensor tensor;
        try {
            tensor = queryTensors.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting to embed a query", e);
        }
        try {
            if (closed.get()) {
                throw new IllegalStateException("the pipeline is closed");
            }
            try (EncodedBatch batch = EncodedBatch.of(List.of(encoded), allocator)) {
                return stages.query(batch.rowView(0), tensor, region);
            }
        } finally {
            queryTensors.add(tensor);
        }
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        boolean interrupted = false;
        for (int taken = 0; taken < querySlots; ) { // queries under way give their tensors back; new ones are refused
            try {
                if (queryTensors.poll(QUERY_SECONDS, TimeUnit.SECONDS) == null) {
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
