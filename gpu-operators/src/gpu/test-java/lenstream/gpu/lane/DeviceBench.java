package lenstream.gpu.lane;

import java.io.IOException;
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
import lenstream.gpu.codec.DecodeOrders;
import lenstream.gpu.codec.DeviceDecoder;
import lenstream.gpu.codec.NvImageCodec;
import lenstream.gpu.codec.NvImageCodecDecoder;
import lenstream.gpu.codec.NvJpegDecoder;
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
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import lenstream.gpu.preprocess.cuda.PreprocessBatch;
import org.apache.arrow.memory.RootAllocator;

/**
 * Measures the stages and the chain on a device: {@code DeviceBench stages|embed|chain|query|mixed …}; see PERFORMANCE.md for
 * the command lines and the results. Rates are medians of windows, with the lowest and the highest window.
 */
public final class DeviceBench {
    private static final Path PICTURES = Path.of(System.getProperty("bench.pictures", "pictures"));
    private static final double WINDOW_SECONDS = Double.parseDouble(System.getProperty("bench.window", "1.0"));
    private static final int WINDOWS = Integer.getInteger("bench.windows", 5);

    private DeviceBench() {}

    private interface Step {
        int run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Natives natives = Natives.of(System.getenv()).orElseThrow();
        natives.load();
        switch (arguments[0]) {
            case "stages" -> stages(natives);
            case "embed" -> embed(arguments);
            case "chain" -> chain(natives, arguments);
            case "query" -> query(natives, arguments);
            case "mixed" -> mixed(natives, arguments);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.out.flush();
    }

    static List<byte[]> pictures(String folder) throws IOException {
        try (Stream<Path> files = Files.list(PICTURES.resolve(folder))) {
            var pictures = new ArrayList<byte[]>();
            for (Path file : files.sorted().toList()) {
                pictures.add(Files.readAllBytes(file));
            }
            return pictures;
        }
    }

    /** Median, lowest and highest images a second over windows, all steps running at the same time. */
    static double[] rate(List<? extends Step> steps) throws Exception {
        var done = new AtomicLong();
        var stop = new AtomicBoolean();
        var threads = new ArrayList<Thread>();
        for (Step step : steps) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    while (!stop.get()) {
                        done.addAndGet(step.run());
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                }
            }));
        }
        Thread.sleep(500);
        var rates = new double[WINDOWS];
        for (int i = 0; i < WINDOWS; i++) {
            long start = System.nanoTime();
            long before = done.get();
            Thread.sleep((long) (WINDOW_SECONDS * 1000));
            rates[i] = (done.get() - before) * 1e9 / (System.nanoTime() - start);
        }
        stop.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        Arrays.sort(rates);
        return new double[] {rates[WINDOWS / 2], rates[0], rates[WINDOWS - 1]};
    }

    private static String shown(double[] rate) {
        return String.format(Locale.ROOT, "%.0f img/s (%.0f-%.0f)", rate[0], rate[1], rate[2]);
    }

    private static double medianMillis(int times, Step step) throws Exception {
        for (int i = 0; i < 5; i++) {
            step.run();
        }
        var millis = new double[times];
        for (int i = 0; i < times; i++) {
            long start = System.nanoTime();
            step.run();
            millis[i] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(millis);
        return millis[times / 2];
    }

    /** A bare decode lane: bytes already in pinned memory. */
    private static final class Bare {
        final lenstream.gpu.cuda.Stream stream;
        final DeviceDecoder decoder;
        final DecodeOrders orders;
        final PreprocessBatch batch;
        final DeviceBuffer tensor;
        final PinnedBuffer encoded;
        final DeviceBuffer arena;
        final int size;
        final int side;
        final Preprocessing rules;

        @SuppressWarnings("MustBeClosed")
        Bare(
                Device device,
                NvImageCodec codec,
                CudaPreprocessor kernels,
                Preprocessing rules,
                String decoder,
                List<byte[]> pictures,
                int size,
                int side) {
            this.size = size;
            this.side = side;
            this.rules = rules;
            stream = device.urgentStream();
            var fallback = NvImageCodecDecoder.open(codec, size, 2, stream);
            this.decoder = decoder.equals("nvjpeg") ? NvJpegDecoder.takeFallback(fallback, size, stream) : fallback;
            orders = new DecodeOrders(size);
            int total = 0;
            for (int i = 0; i < size; i++) {
                total += (pictures.get(i % pictures.size()).length + 63) & ~63;
            }
            encoded = device.allocatePinned("bench", total);
            long slot = (3L * side * side + 511) / 256 * 256;
            arena = device.allocate("bench", slot * size + 256);
            int at = 0;
            for (int i = 0; i < size; i++) {
                byte[] picture = pictures.get(i % pictures.size());
                encoded.view().put(at, picture);
                orders.add(
                        encoded.address() + at,
                        picture.length,
                        arena.address() + 256 + slot * i - (i == 0 ? 0 : 0),
                        side,
                        side,
                        false);
                at += (picture.length + 63) & ~63;
            }
            batch = PreprocessBatch.allocate(
                    kernels, 224, rules.interpolation(), size, (long) size * side * 672 + 4096, 64L << 20);
            tensor = device.allocate("bench", size * kernels.tensorBytes());
        }

        int decode(boolean preprocess) {
            decoder.decode(orders);
            if (preprocess) {
                preprocess();
            }
            stream.synchronize();
            for (int i = 0; i < size; i++) {
                if (!orders.isDecoded(i)) {
                    throw new IllegalStateException("image " + i + " was not decoded");
                }
            }
            return size;
        }

        void preprocess() {
            batch.clear();
            for (int i = 0; i < size; i++) {
                if (!batch.add(orders.pixels(i), side, side, Geometry.of(rules, side, side))) {
                    throw new IllegalStateException("no room");
                }
            }
            batch.toTensor(stream, tensor);
        }

        void close() {
            decoder.close();
            batch.close();
            tensor.close();
            encoded.close();
            arena.close();
            stream.close();
        }
    }

    @SuppressWarnings("MustBeClosed")
    private static void stages(Natives natives) throws Exception {
        Device device = Device.open(0);
        Preprocessing rules = ModelBundle.load(Path.of(System.getProperty("bench.bundle")))
                .encoder()
                .image()
                .preprocessing();
        NvImageCodec codec = NvImageCodec.open(natives.codecExtensions());
        CudaPreprocessor kernels = CudaPreprocessor.open(device, rules, true);
        for (int side : new int[] {400, 800, 1600}) {
            List<byte[]> pictures = pictures(Integer.toString(side));
            for (String decoder : List.of("nvimagecodec", "nvjpeg")) {
                for (int size : new int[] {128}) {
                    var lanes = new ArrayList<Bare>();
                    for (int i = 0; i < 3; i++) {
                        lanes.add(new Bare(device, codec, kernels, rules, decoder, pictures, size, side));
                    }
                    for (int count = 1; count <= 3; count++) {
                        var steps = new ArrayList<Step>();
                        for (Bare lane : lanes.subList(0, count)) {
                            steps.add(() -> {
                                device.use();
                                return lane.decode(false);
                            });
                        }
                        System.out.printf(
                                "bare decode %s %d px batch %d, %d lanes: %s%n",
                                decoder, side, size, count, shown(rate(steps)));
                    }
                    if (decoder.equals("nvjpeg")) {
                        Bare one = lanes.getFirst();
                        double millis = medianMillis(21, () -> {
                                    for (int i = 0; i < 10; i++) {
                                        one.preprocess();
                                        one.stream.synchronize();
                                    }
                                    return 0;
                                })
                                / 10;
                        double bytes = 3.0 * side * side * size;
                        System.out.printf(
                                Locale.ROOT,
                                "preprocess %d px batch %d: %.3f ms with descriptors = %.0f img/s, source read at %.0f GB/s%n",
                                side,
                                size,
                                millis,
                                size * 1000 / millis,
                                bytes / millis / 1e6);
                    }
                    lanes.forEach(Bare::close);
                }
                var one = new Bare(device, codec, kernels, rules, decoder, pictures, 32, side);
                System.out.printf(
                        Locale.ROOT,
                        "latency %s %d px batch 32: decode %.2f ms, decode + preprocess %.2f ms%n",
                        decoder,
                        side,
                        medianMillis(31, () -> one.decode(false)),
                        medianMillis(31, () -> one.decode(true)));
                one.close();
            }
        }
        kernels.close();
        codec.close();
    }

    /** embed BUNDLE BATCH */
    private static void embed(String[] arguments) throws Exception {
        ModelBundle bundle = ModelBundle.load(Path.of(arguments[1]));
        int most = Integer.parseInt(arguments[2]);
        Device device = Device.open(0);
        for (Provider provider : Provider.values()) {
            try (lenstream.gpu.cuda.Stream stream = device.stream();
                    DeviceEmbedder embedder = DeviceEmbedder.open(bundle, device, stream, config(most, provider));
                    DeviceBuffer input = device.allocate("bench", most * 2L * 3 * 224 * 224);
                    DeviceBuffer output = device.allocate("bench", most * 4L * embedder.dim());
                    PinnedBuffer noise = device.allocatePinned("bench", (int) input.bytes());
                    PinnedBuffer result = device.allocatePinned("bench", (int) output.bytes());
                    EmbedBinding binding = embedder.bind(input, output)) {
                var random = new Random(1);
                for (int i = 0; i < noise.bytes(); i += 2) {
                    noise.view().putShort(i, Float.floatToFloat16((float) random.nextGaussian()));
                }
                stream.copyToDevice(noise, 0, input, 0, input.bytes());
                for (int rows : new int[] {1, 32, most}) {
                    double[] queued = rate(List.of(() -> {
                        device.use();
                        for (int i = 0; i < 8; i++) {
                            binding.run(0, rows);
                        }
                        stream.synchronize();
                        return 8 * rows;
                    }));
                    double[] host = rate(List.of(() -> {
                        device.use();
                        stream.copyToDevice(noise, 0, input, 0, rows * 2L * 3 * 224 * 224);
                        binding.run(0, rows);
                        stream.copyToHost(output, 0, result, 0, rows * 4L * embedder.dim());
                        stream.synchronize();
                        return rows;
                    }));
                    System.out.printf(
                            "bare embed %s %s batch %d: %s; host tensors, one batch at a time: %s%n",
                            bundle.encoder().name(), embedder.provider(), rows, shown(queued), shown(host));
                }
            }
        }
    }

    private static EmbedderConfig config(int most, Provider provider) {
        return new EmbedderConfig(
                most,
                true,
                Integer.getInteger("bench.level", 3),
                Path.of(System.getProperty("lenstream.engine.cache")),
                provider);
    }

    @SuppressWarnings("MustBeClosed")
    static GpuEngine engine(
            Natives natives,
            RootAllocator allocator,
            String bundle,
            int batch,
            int lanes,
            int tensors,
            String decoder,
            boolean thumbnails) {
        var config = new GpuConfig(
                0,
                batch,
                lanes,
                tensors,
                12,
                Long.getLong("bench.arena", 1100L << 20),
                128 << 20,
                Integer.getInteger("bench.inflight", batch * (lanes + tensors + 4)),
                GpuConfig.Decoder.valueOf(decoder.toUpperCase(Locale.ROOT)),
                thumbnails,
                true,
                Integer.getInteger("bench.level", 3),
                Path.of(System.getProperty("lenstream.engine.cache")),
                Provider.TENSORRT);
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

    /** Submits without end, at most {@code window} images under way; counts images that are done. */
    static double[] feed(GpuEngine engine, List<byte[]> pictures, int batch) throws Exception {
        var done = new AtomicLong();
        var rejected = new AtomicLong();
        var stop = new AtomicBoolean();
        var outstanding = new Semaphore(64);
        Thread feeder = Thread.ofPlatform().start(() -> {
            int next = 0;
            while (!stop.get()) {
                var images = new ArrayList<byte[]>(batch);
                for (int i = 0; i < batch; i++) {
                    images.add(pictures.get(next++ % pictures.size()));
                }
                outstanding.acquireUninterruptibly();
                CompletableFuture<List<Outcome>> job = engine.submit(images);
                job.whenComplete((outcomes, failure) -> {
                    outstanding.release();
                    if (outcomes != null) {
                        done.addAndGet(outcomes.size());
                        rejected.addAndGet(outcomes.stream()
                                .filter(o -> o instanceof Outcome.Rejected)
                                .count());
                    }
                });
            }
        });
        Thread.sleep(700);
        var rates = new double[WINDOWS];
        for (int i = 0; i < WINDOWS; i++) {
            long start = System.nanoTime();
            long before = done.get();
            Thread.sleep((long) (WINDOW_SECONDS * 1000));
            rates[i] = (done.get() - before) * 1e9 / (System.nanoTime() - start);
        }
        stop.set(true);
        feeder.join();
        outstanding.acquireUninterruptibly(64);
        Arrays.sort(rates);
        return new double[] {rates[WINDOWS / 2], rates[0], rates[WINDOWS - 1], rejected.get()};
    }

    /** chain BUNDLE BATCH LANES TENSORS DECODER THUMBNAILS [SIDES] */
    private static void chain(Natives natives, String[] a) throws Exception {
        int batch = Integer.parseInt(a[2]);
        try (var allocator = new RootAllocator();
                GpuEngine engine = engine(
                        natives,
                        allocator,
                        a[1],
                        batch,
                        Integer.parseInt(a[3]),
                        Integer.parseInt(a[4]),
                        a[5],
                        Boolean.parseBoolean(a[6]))) {
            for (String side : (a.length > 7 ? a[7] : "400,800,1600").split(",")) {
                List<byte[]> pictures = pictures(side);
                GpuStats before = engine.stats();
                double[] rate = feed(engine, pictures, batch);
                GpuStats after = engine.stats();
                long batches = Math.max(1, after.batches() - before.batches());
                System.out.printf(
                        Locale.ROOT,
                        "chain %s %s px batch %d lanes %d tensors %d %s thumbnails %s: %s; rows/batch %.0f, per batch: decode %.2f ms, wait for tensor %.2f ms, embed lane starved %.2f ms; host %d judged %d%n",
                        Path.of(a[1]).getFileName(),
                        side,
                        batch,
                        Integer.parseInt(a[3]),
                        Integer.parseInt(a[4]),
                        a[5],
                        a[6],
                        shown(rate),
                        (double) (after.deviceImages() - before.deviceImages()) / batches,
                        (after.decodeNanos() - before.decodeNanos()) / 1e6 / batches,
                        (after.waitNanos() - before.waitNanos()) / 1e6 / batches,
                        (after.starvedNanos() - before.starvedNanos()) / 1e6 / batches,
                        after.hostImages() - before.hostImages(),
                        after.judgedImages() - before.judgedImages());
            }
        }
    }

    /** query BUNDLE BATCH DECODER */
    private static void query(Natives natives, String[] a) throws Exception {
        try (var allocator = new RootAllocator();
                GpuEngine engine = engine(natives, allocator, a[1], Integer.parseInt(a[2]), 2, 4, a[3], false)) {
            for (int side : new int[] {400, 800, 1600}) {
                List<byte[]> pictures = pictures(Integer.toString(side));
                var random = new Random(2);
                var millis = new double[300];
                for (int i = -50; i < millis.length; i++) {
                    byte[] picture = pictures.get(random.nextInt(pictures.size()));
                    long start = System.nanoTime();
                    engine.submit(List.of(picture)).join();
                    if (i >= 0) {
                        millis[i] = (System.nanoTime() - start) / 1e6;
                    }
                }
                Arrays.sort(millis);
                System.out.printf(
                        Locale.ROOT,
                        "query %s %s %d px: p50 %.2f ms, p95 %.2f ms, p99 %.2f ms%n",
                        Path.of(a[1]).getFileName(),
                        a[3],
                        side,
                        millis[150],
                        millis[285],
                        millis[297]);
            }
        }
    }

    /** mixed BUNDLE BATCH LANES TENSORS DECODER THUMBNAILS: the web's mix, and the same pixels as baseline JPEG */
    private static void mixed(Natives natives, String[] a) throws Exception {
        int batch = Integer.parseInt(a[2]);
        try (var allocator = new RootAllocator();
                GpuEngine engine = engine(
                        natives,
                        allocator,
                        a[1],
                        batch,
                        Integer.parseInt(a[3]),
                        Integer.parseInt(a[4]),
                        a[5],
                        Boolean.parseBoolean(a[6]))) {
            double[] same = feed(engine, pictures("same"), batch);
            double[] mix = feed(engine, pictures("mix"), batch);
            System.out.printf(
                    Locale.ROOT,
                    "mixed %s: as baseline JPEG %s; mixed %s, %.0f rejected; share %.1f %%; %s%n",
                    Path.of(a[1]).getFileName(),
                    shown(same),
                    shown(mix),
                    mix[3],
                    100 * mix[0] / same[0],
                    engine.stats());
        }
    }
}
