package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.DeviceLost;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.lane.GpuConfig;
import lenstream.gpu.lane.GpuEngine;
import lenstream.gpu.lane.GpuStats;
import lenstream.gpu.lane.Outcome;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The lanes of one device, with the results that the job knows. A lost device ends the process. */
final class DeviceEngine implements Engine {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceEngine.class);

    /** {@code EX_SOFTWARE} of sysexits.h. */
    private static final int EXIT_LOST = 70;

    private final GpuEngine engine;
    private final int rowsInFlight;
    private final LongAdder in = new LongAdder();
    private final LongAdder embedded = new LongAdder();
    private final LongAdder rejected = new LongAdder();

    private DeviceEngine(GpuEngine engine, int rowsInFlight) {
        this.engine = engine;
        this.rowsInFlight = rowsInFlight;
    }

    /**
     * Opens the device that the configuration names. Takes minutes where no engine is cached yet. Ends the process if this
     * process has lost its devices.
     *
     * @param allocator borrowed until {@link #close()}
     * @throws DeviceException if the device or its libraries cannot be used
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // closed in close()
    static DeviceEngine open(PipelineConfig config, ModelBundle bundle, Natives natives, BufferAllocator allocator) {
        try {
            return openOn(config, bundle, natives, allocator);
        } catch (DeviceLost lost) {
            endProcess(lost); // going on with the CPU would hide it until the machine's next start
            throw lost;
        }
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // closed in close()
    private static DeviceEngine openOn(
            PipelineConfig config, ModelBundle bundle, Natives natives, BufferAllocator allocator) {
        natives.load();
        int devices = Device.count();
        if (devices == 0) {
            throw new DeviceException("this machine has no CUDA device", null);
        }
        GpuConfig gpu = GpuConfig.defaults()
                .onDevice(config.device() % devices)
                .with(config.decodeThreads(), config.thumbnails());
        var engine = GpuEngine.open(
                natives,
                gpu,
                bundle,
                config.limits(),
                EmbeddingPipeline.decodeRules(bundle.encoder().image().preprocessing()),
                allocator,
                DeviceEngine::endProcess);
        return new DeviceEngine(engine, gpu.inFlight());
    }

    /** Whoever runs the process starts it anew: a task that is restarted in it would fail again. */
    private static void endProcess(DeviceLost lost) {
        LOG.error("event=device_lost action=\"end the process\" reason=\"{}\"", lost.getMessage());
        Runtime.getRuntime().halt(EXIT_LOST);
    }

    @Override
    public CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images) {
        var bytes = new ArrayList<byte[]>(images.size());
        for (FetchedImage image : images) {
            bytes.add(image.bytes());
        }
        return engine.submit(bytes).thenApply(outcomes -> rows(images, outcomes));
    }

    private List<EmbeddedImage> rows(List<FetchedImage> images, List<Outcome> outcomes) {
        var rows = new ArrayList<EmbeddedImage>(images.size());
        for (int i = 0; i < images.size(); i++) {
            rows.add(row(images.get(i), outcomes.get(i)));
        }
        return rows;
    }

    private EmbeddedImage row(FetchedImage image, Outcome outcome) {
        in.increment();
        return switch (outcome) {
            case Outcome.Embedded e -> {
                embedded.increment();
                yield EmbeddedImage.embedded(
                        image,
                        e.format().mime(),
                        e.width(),
                        e.height(),
                        e.frames(),
                        e.embedding(),
                        e.thumbnail(),
                        e.features());
            }
            case Outcome.Rejected r -> {
                rejected.increment();
                yield EmbeddedImage.rejected(
                        image, r.format() == null ? null : r.format().mime(), r.stage(), r.reason(), r.detail());
            }
        };
    }

    /** Does the whole work: the lanes put queries of several callers into one batch themselves. */
    @Override
    @MustBeClosed
    public PreparedQuery prepare(byte[] encoded, @Nullable Region region) throws ImageRejectedException {
        GpuEngine.Box box =
                region == null ? null : new GpuEngine.Box(region.x(), region.y(), region.width(), region.height());
        return switch (join(engine.query(encoded, box))) {
            case Outcome.Embedded e ->
                PreparedQuery.of(new QueryImage(
                        e.embedding(), e.width(), e.height(), e.format().mime()));
            case Outcome.Rejected r -> throw new ImageRejectedException(r.stage(), r.reason(), r.detail());
        };
    }

    @Override
    public List<Embedding> infer(List<PreparedQuery> queries) {
        var out = new ArrayList<Embedding>(queries.size());
        for (PreparedQuery query : queries) {
            float[] vector = query.vector();
            if (vector == null) {
                throw new UnsupportedOperationException("the lanes of a device take encoded images, not tensors");
            }
            out.add(new Embedding.Vector(vector));
        }
        return out;
    }

    @Override
    public ImageEmbedder.Queries queries() {
        return new ImageEmbedder.Queries(1, rowsInFlight);
    }

    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    public PipelineStats stats() {
        GpuStats stats = engine.stats();
        return new PipelineStats(in.sum(), embedded.sum(), rejected.sum(), stats.batches(), stats.decodeNanos(), 0, 0);
    }

    @Override
    public int rowsInFlight() {
        return rowsInFlight;
    }

    @Override
    public String name() {
        return engine.device().name() + ", " + engine.provider().onnxName();
    }

    @Override
    public boolean onDevice() {
        return true;
    }

    @Override
    public Map<String, LongSupplier> gauges() {
        var gauges = new LinkedHashMap<String, LongSupplier>();
        gauges.put("lenstream_gpu_queue", () -> engine.stats().queued());
        gauges.put("lenstream_gpu_device_images", () -> engine.stats().deviceImages());
        gauges.put("lenstream_gpu_host_images", () -> engine.stats().hostImages());
        gauges.put("lenstream_gpu_finished_images", () -> engine.stats().finishedImages());
        gauges.put("lenstream_gpu_refused_images", () -> engine.stats().judgedImages());
        gauges.put("lenstream_gpu_batches", () -> engine.stats().batches());
        gauges.put("lenstream_gpu_recorded_batches", () -> engine.stats().recordedBatches());
        gauges.put("lenstream_gpu_batch_halvings", () -> engine.stats().halvings());
        gauges.put("lenstream_gpu_lane_wait_nanos", () -> engine.stats().waitNanos());
        gauges.put("lenstream_gpu_embed_starved_nanos", () -> engine.stats().starvedNanos());
        gauges.put("lenstream_gpu_allocated_bytes", () -> engine.device().allocatedBytes());
        gauges.putAll(engine.utilisation());
        return gauges;
    }

    @Override
    public void close() {
        engine.close();
    }
}
