package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Ground;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.lifetime.Closer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encoded images in, embeddings out, on a device or on the CPU: {@link Placement} says which, and the log says it again.
 * Batches for the index and single queries go through the same stages.
 *
 * <p>Thread-safe. Owns its engine with threads and sessions, and an Arrow child allocator; {@link #close()} frees them all, also while
 * batches are under way, whose futures then are cancelled. Opening runs the bundle's golden images through the very same
 * stages and refuses to start below a cosine of 0.999.
 */
public final class EmbeddingPipeline implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddingPipeline.class);

    /** Encoded bytes under way and tensors; far above what batches of web images need. */
    private static final long MAX_ARROW_BYTES = 4L << 30;

    private final ModelBundle bundle;
    private final Closer closer;
    private final Engine engine;
    private final double parityCosineMin;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddingPipeline(ModelBundle bundle, Closer closer, Engine engine, double parityCosineMin) {
        this.bundle = bundle;
        this.closer = closer;
        this.engine = engine;
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
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static EmbeddingPipeline open(PipelineConfig config, BufferAllocator parent) {
        var closer = new Closer();
        try {
            return open(config, parent, OnnxImageEmbedder::open, closer);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    /** Opens a pipeline on the CPU around an image tower of the caller's choice, which it then owns. */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static EmbeddingPipeline open(PipelineConfig config, BufferAllocator parent, EmbedderFactory factory) {
        var closer = new Closer();
        try {
            return open(config.on(Placement.CPU, 0), parent, factory, closer);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    /** As {@link #open(PipelineConfig, BufferAllocator, EmbedderFactory)}, with an allocator of its own. */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static EmbeddingPipeline open(PipelineConfig config, EmbedderFactory factory) {
        var closer = new Closer();
        try {
            return open(config.on(Placement.CPU, 0), closer.register(new RootAllocator()), factory, closer);
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
        BufferAllocator allocator = closer.register(parent.newChildAllocator("lenstream-embed", 0, MAX_ARROW_BYTES));
        Engine engine = closer.register(Engines.open(config, bundle, allocator, factory));
        double parity = parity(bundle, engine);
        LOG.info(
                "event=pipeline_open fingerprint={} engine=\"{}\" sub_batch_rows={} decode_threads={}"
                        + " inference_threads={} parity_cosine_min={}",
                bundle.fingerprint(),
                engine.name(),
                config.subBatchRows(),
                config.decodeThreads(),
                config.inferenceThreads(),
                parity);
        return new EmbeddingPipeline(bundle, closer, engine, parity);
    }

    static DecodeRules decodeRules(Preprocessing rules) {
        return new DecodeRules(
                rules.exifOrientation() == Preprocessing.Orientation.APPLY,
                rules.alpha() == Preprocessing.Alpha.WHITE ? Ground.WHITE : Ground.DROP);
    }

    private static double parity(ModelBundle bundle, Engine engine) {
        double lowest = 1;
        for (GoldenImages.Golden golden : GoldenImages.read(bundle)) {
            float[] vector;
            try {
                vector = engine.query(golden.bytes(), null).embedding();
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
        return engine.stats();
    }

    /** Whether a device does the work, not the CPU. */
    public boolean onDevice() {
        return engine.onDevice();
    }

    /** Who does the work, for people: {@code CPU}, or the name of a device. */
    public String engineName() {
        return engine.name();
    }

    /** Images under way below which there would be too little to do; 0 if any batch is enough. */
    public int rowsInFlight() {
        return engine.rowsInFlight();
    }

    /** What else can be read off while the pipeline runs, by the name of its metric. */
    public Map<String, LongSupplier> gauges() {
        return engine.gauges();
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
     * Queues images behind those submitted before. The future completes on a thread of the pipeline and
     * is cancelled by {@link #close()}. After one failure everything else under way fails with it.
     */
    public CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images) {
        return engine.submit(images);
    }

    /** Embeds one image on the calling thread; see {@link #embedQuery(byte[], Region)}. */
    public QueryImage embedQuery(byte[] encoded) throws ImageRejectedException {
        return engine.query(encoded, null);
    }

    /**
     * Embeds a region of one image on the calling thread. As many queries run at once as there are processors; others wait.
     *
     * @throws ImageRejectedException if the image cannot be decoded or embedded
     * @throws IllegalArgumentException if the region lies outside the image
     */
    public QueryImage embedQuery(byte[] encoded, Region region) throws ImageRejectedException {
        return engine.query(encoded, region);
    }

    /**
     * Reads an image, or a region of it, on the calling thread; {@link #embedQueries} does the rest. As many may be held at
     * once as there are processors, and a batch more; others wait for up to a minute.
     *
     * @return the caller closes it
     * @throws ImageRejectedException if the image cannot be decoded
     * @throws IllegalArgumentException if the region lies outside the image
     */
    @MustBeClosed
    public PreparedQuery prepareQuery(byte[] encoded, @Nullable Region region) throws ImageRejectedException {
        return engine.prepare(encoded, region);
    }

    /**
     * A query that was preprocessed elsewhere.
     *
     * @param values {@code [3, size, size]} as the bundle's preprocessing makes them, from the position to the limit; borrowed
     */
    @MustBeClosed
    public PreparedQuery prepareQuery(FloatBuffer values) {
        return PreparedQuery.of(values.slice());
    }

    /**
     * The vectors of queries, on the calling thread, by as many at once as {@link #queries} says. Closes none of them.
     *
     * @return one outcome a query, in the same order
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed
     * @throws UnsupportedOperationException for a tensor, if the pipeline is on a device
     */
    public List<Embedding> embedQueries(List<PreparedQuery> queries) {
        return engine.infer(queries);
    }

    /** How calls of {@link #embedQueries} pay. */
    public ImageEmbedder.Queries queries() {
        return engine.queries();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closer.close();
        }
    }
}
