package lenstream.gpu.lane;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.codec.DeviceDecoders;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.embed.trt.DeviceEmbedder;
import lenstream.gpu.embed.trt.EmbedBinding;
import lenstream.gpu.embed.trt.EmbedderConfig;
import lenstream.gpu.embed.trt.Provider;
import lenstream.gpu.lane.Rates.Rate;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import org.apache.arrow.memory.RootAllocator;

/**
 * Measures the stages and the chain on a device; see PERFORMANCE.md for the command lines and the results. Commands: {@code
 * stages DECODERS LANES SIDES}, {@code build BUNDLE BATCH} (the engine, for the cache), {@code embed BUNDLE BATCH [PROVIDER]}, {@code chain BUNDLE THUMBNAILS SIDES DESIGN…} with designs {@code
 * DECODER:BATCH:LANES:SMS:TENSORS}, {@code start BUNDLE}, {@code query BUNDLE}, {@code mixed BUNDLE THUMBNAILS}, {@code soak BUNDLE SIDE MINUTES}; lists
 * have commas. Pictures: folders of {@code bench.pictures} named by their side, {@code mix} and {@code same}.
 */
public final class DeviceBench {
    private static final Path PICTURES = Path.of(System.getProperty("bench.pictures", "pictures"));
    private static final int UNDER_WAY = 64;
    private static final int WINDOWS = Integer.getInteger("bench.windows", 5);

    /** Batches queued before the host waits. */
    private static final int QUEUED = 32;

    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();

    private DeviceBench() {}

    public static void main(String[] arguments) throws Exception {
        Natives natives = Natives.of(System.getenv()).orElseThrow();
        natives.load();
        switch (arguments[0]) {
            case "stages" -> stages(natives, arguments);
            case "build" -> build(arguments);
            case "embed" -> embed(arguments);
            case "chain" -> chain(natives, arguments);
            case "start" -> start(natives, arguments);
            case "query" -> query(natives, arguments);
            case "mixed" -> mixed(natives, arguments);
            case "soak" -> soak(natives, arguments);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.out.flush();
    }

    /** The files of a folder, in the order of their names. */
    public static List<byte[]> pictures(String folder) throws IOException {
        try (Stream<Path> files = Files.list(PICTURES.resolve(folder))) {
            var pictures = new ArrayList<byte[]>();
            for (Path file : files.sorted().toList()) {
                pictures.add(Files.readAllBytes(file));
            }
            return pictures;
        }
    }

    private static int[] numbers(String list) {
        return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    @SuppressWarnings("MustBeClosed") // lanes are closed in their loop
    private static void stages(Natives natives, String[] a) throws Exception {
        Device device = Device.open(0);
        ModelBundle bundle = ModelBundle.load(Path.of(System.getProperty("bench.bundle")));
        Preprocessing rules = bundle.encoder().image().preprocessing();
        try (CudaPreprocessor kernels = CudaPreprocessor.open(device, rules, true)) {
            for (String name : a[1].split(",")) {
                try (DeviceDecoders decoders = DeviceDecoders.open(name, natives)) {
                    for (int side : numbers(a[3])) {
                        List<byte[]> pictures = pictures(Integer.toString(side));
                        for (int count : numbers(a[2])) {
                            var lanes = new ArrayList<BareLane>();
                            for (int i = 0; i < count; i++) {
                                lanes.add(new BareLane(device, decoders, kernels, rules, pictures, 128, side));
                            }
                            System.out.printf(
                                    "bare decode %s %d px, batch 128, %d lanes: %s%n",
                                    name,
                                    side,
                                    count,
                                    Rates.together(lanes.stream()
                                            .map(lane -> (Rates.Step) () -> lane.decode(false))
                                            .toList()));
                            if (count == 1) {
                                preprocessing(lanes.getFirst(), side);
                            }
                            lanes.forEach(BareLane::close);
                        }
                        try (var lane = new BareLane(device, decoders, kernels, rules, pictures, 32, side)) {
                            System.out.printf(
                                    Locale.ROOT,
                                    "latency %s %d px, batch 32: decode %.2f ms, decode + preprocess %.2f ms%n",
                                    name,
                                    side,
                                    Rates.millis(31, () -> lane.decode(false))[15],
                                    Rates.millis(31, () -> lane.decode(true))[15]);
                        }
                    }
                }
            }
        }
    }

    private static void preprocessing(BareLane lane, int side) throws Exception {
        double alone = Rates.millis(41, () -> lane.preprocess(1))[20];
        double millis = Rates.millis(21, () -> lane.preprocess(QUEUED))[10] / QUEUED;
        double bytes = 128 * (3.0 * side * side + 2 * 3.0 * 224 * 224);
        System.out.printf(
                Locale.ROOT,
                "preprocess %d px, batch 128, %d queued: %.3f ms each = %.0f img/s; source read once and tensor written once:"
                        + " %.0f GB/s; one with a wait: %.3f ms%n",
                side,
                QUEUED,
                millis,
                128_000 / millis,
                bytes / millis / 1e6,
                alone);
    }

    private static void build(String[] a) {
        Device device = Device.open(0);
        try (lenstream.gpu.cuda.Stream stream = device.stream();
                DeviceEmbedder embedder = DeviceEmbedder.open(
                        ModelBundle.load(Path.of(a[1])),
                        device,
                        stream,
                        new EmbedderConfig(
                                Integer.parseInt(a[2]),
                                true,
                                level(),
                                GpuConfig.engineFolder(),
                                Provider.TENSORRT,
                                false))) {
            System.out.println("built for " + embedder.provider());
        }
    }

    private static void embed(String[] a) throws Exception {
        ModelBundle bundle = ModelBundle.load(Path.of(a[1]));
        int most = Integer.parseInt(a[2]);
        Device device = Device.open(0);
        for (Provider provider : a.length > 3 ? new Provider[] {Provider.valueOf(a[3])} : Provider.values()) {
            long start = System.nanoTime();
            try (lenstream.gpu.cuda.Stream stream = device.stream();
                    DeviceEmbedder embedder = DeviceEmbedder.open(
                            bundle,
                            device,
                            stream,
                            new EmbedderConfig(
                                    most,
                                    true,
                                    level(),
                                    GpuConfig.engineFolder(),
                                    provider,
                                    GpuConfig.defaults().graphs()));
                    DeviceBuffer input = device.allocate("bench", most * 2L * 3 * 224 * 224);
                    DeviceBuffer output = device.allocate("bench", most * 4L * embedder.dim());
                    PinnedBuffer noise = device.allocatePinned("bench", (int) input.bytes());
                    PinnedBuffer result = device.allocatePinned("bench", (int) output.bytes());
                    EmbedBinding binding = embedder.bind(input, output)) {
                System.out.printf(
                        Locale.ROOT,
                        "open %s %s: %.1f s%n",
                        bundle.encoder().name(),
                        embedder.provider(),
                        (System.nanoTime() - start) / 1e9);
                var random = new Random(1);
                for (int i = 0; i < noise.bytes(); i += 2) {
                    noise.view().putShort(i, Float.floatToFloat16((float) random.nextGaussian()));
                }
                stream.copyToDevice(noise, 0, input, 0, input.bytes());
                for (int rows : new int[] {1, 32, most}) {
                    // by the time of eight batches: a window holds only a few of a large model's
                    double[] millis = Rates.millis(3 * WINDOWS, () -> {
                        device.use();
                        for (int i = 0; i < 8; i++) {
                            binding.run(0, rows);
                        }
                        stream.synchronize();
                        return 8 * rows;
                    });
                    var queued = new Rate(
                            8_000.0 * rows / millis[millis.length / 2],
                            8_000.0 * rows / millis[millis.length - 1],
                            8_000.0 * rows / millis[0]);
                    Rate host = Rates.together(List.of(() -> {
                        device.use();
                        stream.copyToDevice(noise, 0, input, 0, rows * 2L * 3 * 224 * 224);
                        binding.run(0, rows);
                        stream.copyToHost(output, 0, result, 0, rows * 4L * embedder.dim());
                        stream.synchronize();
                        return rows;
                    }));
                    System.out.printf(
                            "bare embed %s %s, graphs %s, batch %d: %s; host tensors, one batch at a time: %s%n",
                            bundle.encoder().name(),
                            embedder.provider(),
                            GpuConfig.defaults().graphs(),
                            rows,
                            queued,
                            host);
                }
            }
        }
    }

    private static int level() {
        return GpuConfig.defaults().builderLevel();
    }

    private static GpuConfig config(boolean thumbnails) {
        GpuConfig defaults = GpuConfig.defaults();
        return defaults.with(defaults.hostThreads(), thumbnails);
    }

    @MustBeClosed
    private static GpuEngine open(Natives natives, RootAllocator allocator, String bundle, GpuConfig config) {
        return GpuEngine.open(
                natives,
                config,
                ModelBundle.load(Path.of(bundle)),
                DecodeLimits.defaults(),
                DecodeRules.defaults(),
                allocator,
                lost -> {
                    throw lost;
                });
    }

    /** Submits a list of pictures over and over, and counts what is done. */
    private static final class Feeder implements AutoCloseable {
        final AtomicLong done = new AtomicLong();
        final AtomicLong rejected = new AtomicLong();
        private final AtomicBoolean stop = new AtomicBoolean();
        private final Semaphore room = new Semaphore(UNDER_WAY);
        private final Thread thread;

        Feeder(GpuEngine engine, List<byte[]> pictures, int batch) {
            thread = Thread.ofPlatform().start(() -> {
                int next = 0;
                while (!stop.get()) {
                    var images = new ArrayList<byte[]>(batch);
                    for (int i = 0; i < batch; i++) {
                        images.add(pictures.get(next++ % pictures.size()));
                    }
                    room.acquireUninterruptibly();
                    CompletableFuture<List<Outcome>> job = engine.submit(images);
                    job.whenComplete((outcomes, failure) -> {
                        room.release();
                        if (outcomes != null) {
                            done.addAndGet(outcomes.size());
                            rejected.addAndGet(outcomes.stream()
                                    .filter(outcome -> outcome instanceof Outcome.Rejected)
                                    .count());
                        }
                    });
                }
            });
        }

        @Override
        public void close() throws InterruptedException {
            stop.set(true);
            thread.join();
            room.acquireUninterruptibly(UNDER_WAY);
        }
    }

    /** Cores that this process keeps busy from now on. */
    private static final class CpuLoad {
        private static final com.sun.management.OperatingSystemMXBean SYSTEM =
                ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
        private final long start = System.nanoTime();
        private final long cpu = SYSTEM.getProcessCpuTime();

        double cores() {
            return (double) (SYSTEM.getProcessCpuTime() - cpu) / (System.nanoTime() - start);
        }
    }

    private static void chain(Natives natives, String[] a) throws Exception {
        boolean thumbnails = Boolean.parseBoolean(a[2]);
        for (String design : Arrays.copyOfRange(a, 4, a.length)) {
            String[] d = design.split(":");
            GpuConfig config = config(thumbnails)
                    .withLanes(
                            Integer.parseInt(d[1]),
                            Integer.parseInt(d[2]),
                            Integer.parseInt(d[3]),
                            Integer.parseInt(d[4]),
                            Long.getLong("bench.arena", 1100L << 20),
                            d[0]);
            try (var allocator = new RootAllocator();
                    GpuEngine engine = open(natives, allocator, a[1], config)) {
                for (int side : numbers(a[3])) {
                    chain(engine, a[1], design, side, config.batchRows());
                }
            }
        }
    }

    private static void chain(GpuEngine engine, String bundle, String design, int side, int batch) throws Exception {
        List<byte[]> pictures = pictures(Integer.toString(side));
        GpuStats before = engine.stats();
        Rate rate;
        double cores;
        try (var feeder = new Feeder(engine, pictures, batch)) {
            var load = new CpuLoad();
            rate = Rates.of(feeder.done::get);
            cores = load.cores();
        }
        GpuStats after = engine.stats();
        long batches = Math.max(1, after.batches() - before.batches());
        System.out.printf(
                Locale.ROOT,
                "chain %s %s %d px: %s; %.1f cores; rows a batch %.0f; ms a batch: decode call %.2f, wait for tensor %.2f, embed starved"
                        + " %.2f; host %d refused %d%n",
                Path.of(bundle).getFileName(),
                design,
                side,
                rate,
                cores,
                (double) (after.deviceImages() - before.deviceImages()) / batches,
                (after.decodeNanos() - before.decodeNanos()) / 1e6 / batches,
                (after.waitNanos() - before.waitNanos()) / 1e6 / batches,
                (after.starvedNanos() - before.starvedNanos()) / 1e6 / batches,
                after.hostImages() - before.hostImages(),
                after.judgedImages() - before.judgedImages());
    }

    /** From the start of this process to the first embedding. */
    private static void start(Natives natives, String[] a) throws Exception {
        long began = ManagementFactory.getRuntimeMXBean().getStartTime();
        try (var allocator = new RootAllocator();
                GpuEngine engine = open(natives, allocator, a[1], config(false))) {
            long open = System.currentTimeMillis();
            engine.query(pictures("400").getFirst(), null).join();
            System.out.printf(
                    Locale.ROOT,
                    "start %s: open after %.1f s, first embedding after %.1f s%n",
                    Path.of(a[1]).getFileName(),
                    (open - began) / 1e3,
                    (System.currentTimeMillis() - began) / 1e3);
        }
    }

    private static void query(Natives natives, String[] a) throws Exception {
        try (var allocator = new RootAllocator();
                GpuEngine engine = open(natives, allocator, a[1], config(false))) {
            for (int side : new int[] {400, 800, 1600}) {
                List<byte[]> pictures = pictures(Integer.toString(side));
                var random = new Random(2);
                double[] millis = Rates.millis(300, () -> {
                    engine.query(pictures.get(random.nextInt(pictures.size())), null)
                            .join();
                    return 1;
                });
                System.out.printf(
                        Locale.ROOT,
                        "query %s %d px: p50 %.2f ms, p95 %.2f ms, p99 %.2f ms%n",
                        Path.of(a[1]).getFileName(),
                        side,
                        millis[150],
                        millis[285],
                        millis[297]);
            }
        }
    }

    /** The web's mix, and the same pixels as baseline JPEG. */
    private static void mixed(Natives natives, String[] a) throws Exception {
        GpuConfig config = config(Boolean.parseBoolean(a[2]));
        try (var allocator = new RootAllocator();
                GpuEngine engine = open(natives, allocator, a[1], config)) {
            Rate same;
            double coresOfSame;
            try (var feeder = new Feeder(engine, pictures("same"), config.batchRows())) {
                var load = new CpuLoad();
                same = Rates.of(feeder.done::get);
                coresOfSame = load.cores();
            }
            Rate mix;
            long rejected;
            double cores;
            try (var feeder = new Feeder(engine, pictures("mix"), config.batchRows())) {
                var load = new CpuLoad();
                mix = Rates.of(feeder.done::get);
                cores = load.cores();
                rejected = feeder.rejected.get();
            }
            System.out.printf(
                    Locale.ROOT,
                    "mixed %s: as baseline JPEG %s, %.1f cores; mixed %s, %.1f cores, %d rejected; share %.1f %%; %s%n",
                    Path.of(a[1]).getFileName(),
                    same,
                    coresOfSame,
                    mix,
                    cores,
                    rejected,
                    100 * mix.median() / same.median(),
                    engine.stats());
        }
    }

    /** One line a quarter of a minute: rate, host memory and device memory. */
    private static void soak(Natives natives, String[] a) throws Exception {
        GpuConfig config = config(false);
        try (var allocator = new RootAllocator();
                GpuEngine engine = open(natives, allocator, a[1], config)) {
            try (var feeder = new Feeder(engine, pictures(a[2]), config.batchRows())) {
                for (int i = 0; i < 4 * Double.parseDouble(a[3]); i++) {
                    var load = new CpuLoad();
                    long before = feeder.done.get();
                    long start = System.nanoTime();
                    Thread.sleep(15_000);
                    System.out.printf(
                            Locale.ROOT,
                            "soak %.2f min: %.0f img/s, %.1f cores, resident %d MiB (heap %d, code and classes %.1f), device %d MiB free, Arrow"
                                    + " %d bytes%n",
                            (i + 1) / 4.0,
                            (feeder.done.get() - before) * 1e9 / (System.nanoTime() - start),
                            load.cores(),
                            resident() >> 20,
                            MEMORY.getHeapMemoryUsage().getCommitted() >> 20,
                            MEMORY.getNonHeapMemoryUsage().getCommitted() / 1048576.0,
                            engine.device().freeBytes() >> 20,
                            allocator.getAllocatedMemory());
                }
            }
        }
    }

    private static long resident() throws IOException {
        return 4096L
                * Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]);
    }
}
