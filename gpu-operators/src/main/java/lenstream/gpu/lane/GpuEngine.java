package lenstream.gpu.lane;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.codec.CompletionKernels;
import lenstream.gpu.codec.DeviceDecoders;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.SmPartition;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.cuda.Utilisation;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.HostImageReader;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.DeviceLost;
import lenstream.gpu.embed.OutOfDeviceMemory;
import lenstream.gpu.embed.trt.DeviceEmbedder;
import lenstream.gpu.embed.trt.EmbedderConfig;
import lenstream.gpu.embed.trt.Provider;
import lenstream.gpu.lifetime.Closer;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encoded images in, embeddings out, on one device. Decode lanes on urgent streams run ahead of one embed lane through a ring
 * of input tensors; events tie the streams together, the host waits for the device only when memory is used again.
 *
 * <p>Thread-safe. Owns its threads and all device memory; {@link #close()} frees them and cancels what is under way. After a
 * failure of the device every image under way and every later one fails with it.
 */
public final class GpuEngine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GpuEngine.class);

    private static final long JOIN_MILLIS = 60_000;

    /** The slowest image within the limits takes seconds on the CPU. */
    private static final Duration STALL = Duration.ofSeconds(120);

    private static final long WATCH_MILLIS = 5_000;

    /** How long nothing must have been under way before the end of the process closes the engine, and how long it waits for that. */
    private static final Duration EXIT_QUIET = Duration.ofMillis(500);

    private static final Duration EXIT_MOST = Duration.ofSeconds(8);
    private static final long EXIT_LOOK_MILLIS = 50;

    private final Device device;
    private final GpuConfig config;
    private final Provider provider;
    private final Closer closer;
    private final Intake intake;
    private final Counters counters;
    private final Semaphore permits;
    private final LongAdder finished = new LongAdder();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final Set<Job> open = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final ReentrantLock closing = new ReentrantLock();
    private final Thread exitHook =
            Thread.ofPlatform().name("lenstream-gpu-exit").unstarted(this::closeAtExit);
    private final Consumer<DeviceLost> onLost;
    private final HostPool host;

    private GpuEngine(
            Device device,
            GpuConfig config,
            Provider provider,
            Closer closer,
            Intake intake,
            Counters counters,
            Consumer<DeviceLost> onLost,
            HostPoolOpener host) {
        this.device = device;
        this.config = config;
        this.provider = provider;
        this.closer = closer;
        this.intake = intake;
        this.counters = counters;
        this.permits = new Semaphore(config.inFlight());
        this.onLost = onLost;
        this.host = host.open(intake, this::fail);
    }

    @FunctionalInterface
    private interface HostPoolOpener {
        HostPool open(Intake intake, Consumer<Throwable> onFailure);
    }

    /**
     * Opens an engine. If the device's memory does not suffice, the batch is halved once.
     *
     * @param natives loaded
     * @param allocator borrowed until {@link #close()}
     * @param onLost what happens when the device is lost; a process has to end then
     * @throws DeviceException if the device or its libraries cannot be used
     */
    @MustBeClosed
    public static GpuEngine open(
            Natives natives,
            GpuConfig config,
            ModelBundle bundle,
            DecodeLimits limits,
            DecodeRules decodeRules,
            BufferAllocator allocator,
            Consumer<DeviceLost> onLost) {
        try {
            return openOnce(natives, config, bundle, limits, decodeRules, allocator, onLost);
        } catch (OutOfDeviceMemory e) {
            GpuConfig halved = config.halved();
            LOG.warn("event=batch_halved rows={} reason=\"{}\"", halved.batchRows(), e.getMessage());
            return openOnce(natives, halved, bundle, limits, decodeRules, allocator, onLost);
        }
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // registered with the closer, which close() closes
    private static GpuEngine openOnce(
            Natives natives,
            GpuConfig config,
            ModelBundle bundle,
            DecodeLimits limits,
            DecodeRules decodeRules,
            BufferAllocator allocator,
            Consumer<DeviceLost> onLost) {
        Preprocessing rules = bundle.encoder().image().preprocessing();
        Device device = Device.open(config.device());
        var closer = new Closer();
        try {
            SmPartition parts =
                    config.decodeSms() == 0 ? null : closer.register(SmPartition.split(device, config.decodeSms()));
            Stream embedStream = closer.register(parts == null ? device.stream() : parts.streamOnRest(0));
            DeviceEmbedder embedder = closer.register(DeviceEmbedder.open(
                    bundle,
                    device,
                    embedStream,
                    new EmbedderConfig(
                            config.batchRows(),
                            config.half(),
                            config.builderLevel(),
                            config.engineCache(),
                            natives.hasTensorRt() ? config.firstProvider() : Provider.CUDA,
                            config.graphs())));
            CudaPreprocessor preprocessor =
                    closer.register(CudaPreprocessor.open(device, rules, embedder.isHalfInput()));
            DeviceDecoders decoders = closer.register(DeviceDecoders.open(config.decoder(), natives));
            CompletionKernels completions = closer.register(CompletionKernels.open(device));
            // twice the threads: pictures wait for a lane while the next ones are decoded
            var prober = new HostImageDecoder(limits, decodeRules, 2 * config.hostThreads());

            var slots = new ArrayBlockingQueue<TensorSlot>(config.tensors());
            for (int i = 0; i < config.tensors(); i++) {
                slots.add(TensorSlot.allocate(
                        device, embedder, config.batchRows(), preprocessor.tensorBytes(), config.thumbnails(), closer));
            }
            var lanes = new ArrayList<DecodeLane>();
            for (int i = 0; i < config.decodeLanes(); i++) {
                Stream stream =
                        closer.register(parts == null ? device.urgentStream() : parts.streamOnFew(device.urgent()));
                lanes.add(DecodeLane.open(
                        device, config, decoders, stream, preprocessor, completions, rules, prober, closer));
            }
            var counters = new Counters();
            var engine = new GpuEngine(
                    device,
                    config,
                    embedder.provider(),
                    closer,
                    new Intake(),
                    counters,
                    onLost,
                    (intake, onFailure) -> closer.register(new HostPool(
                            config.hostThreads(),
                            prober,
                            new HostImageReader(decodeRules, config.hostThreads()),
                            new HostPreprocessor(rules),
                            allocator,
                            embedder.isHalfInput(),
                            Math.min(config.encodedBytes(), config.arenaBytes()) / 2,
                            intake,
                            counters.finishedImages,
                            onFailure)));
            var finisher = new Finisher(
                    device,
                    engine.host,
                    embedder.dim(),
                    embedder.isHalfOutput(),
                    bundle.encoder().normalised());
            Runtime.getRuntime().addShutdownHook(engine.exitHook);
            engine.start(lanes, new EmbedLane(device, embedStream, embedder), finisher, slots);
            LOG.info(
                    "event=gpu_open device=\"{}\" provider={} decoder={} batch_rows={} decode_lanes={} decode_sms={}"
                            + " tensors={} device_bytes={}",
                    device.name(),
                    engine.provider.onnxName(),
                    config.decoder(),
                    config.batchRows(),
                    config.decodeLanes(),
                    parts == null ? 0 : parts.fewCount(),
                    config.tensors(),
                    device.allocatedBytes());
            return engine;
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    private void start(List<DecodeLane> lanes, EmbedLane embedLane, Finisher finisher, BlockingQueue<TensorSlot> free) {
        var limit = new RowLimit(config.batchRows());
        var filled = new ArrayBlockingQueue<TensorSlot>(config.tensors());
        var done = new ArrayBlockingQueue<TensorSlot>(config.tensors());
        for (int i = 0; i < lanes.size(); i++) {
            DecodeLane lane = lanes.get(i);
            start("lenstream-decode-lane-" + i, () -> lane.run(intake, host, free, filled, limit, counters));
        }
        start("lenstream-embed-lane", () -> embedLane.run(filled, done, limit, counters));
        start("lenstream-finisher", () -> finisher.run(done, free));
        start("lenstream-watchdog", this::watch);
    }

    /** Fails everything when images are under way and nothing at all comes back: a call into the driver can hang for good. */
    private void watch() throws InterruptedException {
        long seen = -1;
        long since = System.nanoTime();
        while (true) {
            Thread.sleep(WATCH_MILLIS);
            long done = finished.sum();
            if (open.isEmpty() || done != seen) {
                seen = done;
                since = System.nanoTime();
            } else if (System.nanoTime() - since > STALL.toNanos()) {
                throw new DeviceLost("device " + device.name() + " has not finished an image within "
                        + STALL.toSeconds() + " s with " + open.size() + " batches under way");
            }
        }
    }

    @FunctionalInterface
    private interface Loop {
        void run() throws InterruptedException;
    }

    private void start(String name, Loop loop) {
        threads.add(Thread.ofPlatform().name(name).daemon().start(() -> {
            try {
                loop.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // closing
            } catch (Throwable e) {
                fail(e);
            }
        }));
    }

    private void fail(Throwable reason) {
        Throwable cause = reason instanceof DeviceException problem ? lostIfDead(problem) : reason;
        if (closed.get() || !failure.compareAndSet(null, cause)) {
            return;
        }
        LOG.error("event=gpu_failed device=\"{}\" reason=\"{}\"", device.name(), cause.getMessage(), cause);
        for (Job job : open) {
            job.result.completeExceptionally(cause);
        }
        permits.release(config.inFlight()); // those who wait find the failure
        if (cause instanceof DeviceLost lost) {
            onLost.accept(lost);
        }
    }

    /**
     * Libraries hide CUDA's status behind words of their own. After a failure that ends the context every call fails, so one
     * call tells.
     */
    private DeviceException lostIfDead(DeviceException problem) {
        if (problem instanceof DeviceLost) {
            return problem;
        }
        try {
            device.use();
            device.synchronize();
            return problem;
        } catch (DeviceException dead) {
            var lost = new DeviceLost(dead.getMessage() + ", after: " + problem.getMessage());
            lost.addSuppressed(problem);
            return lost;
        }
    }

    /**
     * Queues images. Blocks while too many are under way.
     *
     * @param images never written from now on
     * @return one outcome an image, in the same order; completes on one of the engine's threads
     */
    public CompletableFuture<List<Outcome>> submit(List<byte[]> images) {
        return submit(images, config.thumbnails());
    }

    private CompletableFuture<List<Outcome>> submit(List<byte[]> images, boolean thumbnails) {
        if (closed.get()) {
            throw new IllegalStateException("the engine is closed");
        }
        var job = new Job(images.size(), this::oneDone);
        if (images.isEmpty()) {
            job.result.complete(List.of());
            return job.result;
        }
        open.add(job);
        job.result.whenComplete((outcomes, problem) -> open.remove(job));
        for (int from = 0; from < images.size(); from += config.batchRows()) {
            int end = Math.min(images.size(), from + config.batchRows());
            permits.acquireUninterruptibly(end - from);
            Throwable cause = failure.get();
            if (cause != null) {
                job.result.completeExceptionally(cause);
                return job.result;
            }
            var items = new ArrayList<Item>(end - from);
            for (int i = from; i < end; i++) {
                var item = new Item(images.get(i), job, i, thumbnails);
                if (HostPool.isForHost(item.bytes)) {
                    counters.hostImages.increment();
                    host.decode(item);
                } else {
                    items.add(item);
                }
            }
            if (!items.isEmpty()) {
                intake.add(items);
            }
        }
        return job.result;
    }

    private void oneDone() {
        finished.increment();
        permits.release();
    }

    /** A part of an image, in pixels of the oriented image. */
    public record Box(int x, int y, int width, int height) {}

    /**
     * Embeds one image for somebody who waits for it.
     *
     * @param box the part to embed, cut out on the CPU; all of it if null
     * @return fails with {@link IllegalArgumentException} if the box lies outside the image
     */
    public CompletableFuture<Outcome> query(byte[] image, @Nullable Box box) {
        if (box == null) {
            return submit(List.of(image), false).thenApply(List::getFirst);
        }
        if (closed.get()) {
            throw new IllegalStateException("the engine is closed");
        }
        var job = new Job(1, this::oneDone);
        open.add(job);
        job.result.whenComplete((outcomes, problem) -> open.remove(job));
        permits.acquireUninterruptibly();
        Throwable cause = failure.get();
        if (cause != null) {
            job.result.completeExceptionally(cause);
        } else {
            var item = new Item(image, job, 0, false);
            item.box = box;
            host.decode(item);
        }
        return job.result.thenApply(List::getFirst);
    }

    public Device device() {
        return device;
    }

    /** Who runs the image tower. */
    public Provider provider() {
        return provider;
    }

    public GpuStats stats() {
        return new GpuStats(
                counters.batches.sum(),
                counters.recordedBatches.sum(),
                counters.deviceImages.sum(),
                counters.hostImages.sum(),
                counters.finishedImages.sum(),
                counters.judgedImages.sum(),
                counters.decodeNanos.sum(),
                counters.waitNanos.sum(),
                counters.starvedNanos.sum(),
                counters.halvings.sum(),
                intake.size());
    }

    /** Readings of the device's management library, by the name of their metric; empty where it is missing. */
    public Map<String, LongSupplier> utilisation() {
        return Utilisation.of(device)
                .map(readings -> Map.<String, LongSupplier>of(
                        "lenstream_gpu_kernel_percent", readings::kernels,
                        "lenstream_gpu_jpeg_engine_percent", readings::jpegEngines))
                .orElse(Map.of());
    }

    /** Bytes of device and pinned memory held now, by name. */
    public Map<String, Long> memory() {
        return device.allocatedByName();
    }

    /**
     * When the process ends, the C library takes down the libraries' static data while daemon threads run on: a lane inside
     * cuDNN or a host thread inside a decoder would end the process with SIGSEGV. Owners that close it in an orderly way, or
     * requests that they still answer, get a moment first.
     */
    private void closeAtExit() {
        try {
            long start = System.nanoTime();
            long busy = start;
            while (System.nanoTime() - busy < EXIT_QUIET.toNanos() && System.nanoTime() - start < EXIT_MOST.toNanos()) {
                if (closed.get()) {
                    break;
                }
                if (!open.isEmpty()) {
                    busy = System.nanoTime();
                }
                Thread.sleep(EXIT_LOOK_MILLIS);
            }
            close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.warn("event=gpu_close_failed device=\"{}\"", device.name(), e);
        }
    }

    private void forgetExitHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(exitHook);
        } catch (IllegalStateException e) {
            LOG.debug("the process is ending", e);
        }
    }

    @Override
    public void close() {
        closed.set(true);
        closing.lock(); // whoever comes second waits for the first
        try {
            if (threads.isEmpty()) {
                return;
            }
            boolean interrupted = end();
            threads.clear();
            forgetExitHook();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        } finally {
            closing.unlock();
        }
    }

    /** Ends the threads, then frees everything; says whether this thread was interrupted meanwhile. */
    private boolean end() {
        threads.forEach(Thread::interrupt);
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                thread.join(JOIN_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            if (thread.isAlive()) {
                throw new IllegalStateException(thread.getName() + " did not end within " + JOIN_MILLIS + " ms");
            }
        }
        for (Job job : open) {
            job.result.cancel(false);
        }
        device.use();
        device.synchronize();
        closer.close();
        return interrupted;
    }
}
