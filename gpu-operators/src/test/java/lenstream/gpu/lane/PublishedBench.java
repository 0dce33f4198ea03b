package lenstream.gpu.lane;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR_RGB;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_CUBIC;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.embed.trt.DeviceEmbedder;
import lenstream.gpu.embed.trt.EmbedBinding;
import lenstream.gpu.embed.trt.EmbedderConfig;
import lenstream.gpu.embed.trt.Provider;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * What others had before: decoding and preprocessing by OpenCV on every core, tensors in host memory, embedding by ONNX Runtime's
 * CUDA provider (the first of the published rows) or by TensorRT (the second). The third, everything on the device, is {@link
 * DeviceBench} and {@code JobBench}. {@code PublishedBench BUNDLE SIDES BATCH}; pictures as for {@link DeviceBench}, larger than the model's input, which is float16.
 *
 * <p>While a batch is embedded, the next one is decoded. Source of the rows: NVIDIA's account of Bing Visual Search (2024): 88,
 * 356 and 452 queries a second, batches of 32.
 */
public final class PublishedBench {
    private static final int SIDE = 224;
    private static final int ROW_BYTES = 2 * 3 * SIDE * SIDE;

    /** By channel and sample, the normalised value as float16. */
    private final short[][] normalised = new short[3][256];

    private final List<byte[]> pictures;
    private final ExecutorService threads;
    private int next;

    private PublishedBench(Preprocessing rules, List<byte[]> pictures, ExecutorService threads) {
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < 256; i++) {
                normalised[c][i] = Float.floatToFloat16(
                        (float) ((i / 255.0 - rules.mean().get(c)) / rules.std().get(c)));
            }
        }
        this.pictures = pictures;
        this.threads = threads;
    }

    public static void main(String[] a) throws Exception {
        Natives.of(System.getenv()).orElseThrow().load();
        ModelBundle bundle = ModelBundle.load(Path.of(a[0]));
        int batch = Integer.parseInt(a[2]);
        int cores = Runtime.getRuntime().availableProcessors();
        Device device = Device.open(0);
        for (Provider provider : List.of(Provider.CUDA, Provider.TENSORRT)) {
            var config = new EmbedderConfig(
                    GpuConfig.defaults().batchRows(),
                    true,
                    GpuConfig.defaults().builderLevel(),
                    GpuConfig.engineFolder(),
                    provider,
                    false);
            try (lenstream.gpu.cuda.Stream stream = device.stream();
                    DeviceEmbedder embedder = DeviceEmbedder.open(bundle, device, stream, config);
                    DeviceBuffer input = device.allocate("bench", (long) batch * ROW_BYTES);
                    DeviceBuffer output = device.allocate("bench", batch * 4L * embedder.dim());
                    PinnedBuffer one = device.allocatePinned("bench", batch * ROW_BYTES);
                    PinnedBuffer other = device.allocatePinned("bench", batch * ROW_BYTES);
                    PinnedBuffer result = device.allocatePinned("bench", batch * 4 * embedder.dim());
                    EmbedBinding binding = embedder.bind(input, output);
                    ExecutorService threads = Executors.newFixedThreadPool(cores)) {
                for (String side : a[1].split(",")) {
                    var bench = new PublishedBench(
                            bundle.encoder().image().preprocessing(), DeviceBench.pictures(side), threads);
                    var done = new AtomicLong();
                    var stop = new AtomicBoolean();
                    Thread driver = Thread.ofPlatform().start(() -> {
                        device.use();
                        PinnedBuffer filled = one;
                        List<Future<?>> under = bench.fill(filled, batch);
                        while (!stop.get()) {
                            await(under);
                            PinnedBuffer ready = filled;
                            filled = ready == one ? other : one;
                            under = bench.fill(filled, batch);
                            stream.copyToDevice(ready, 0, input, 0, (long) batch * ROW_BYTES);
                            binding.run(0, batch);
                            stream.copyToHost(output, 0, result, 0, batch * 4L * embedder.dim());
                            stream.synchronize();
                            done.addAndGet(batch);
                        }
                        await(under);
                    });
                    System.out.printf(
                            "published %s %s px, batch %d: OpenCV on %d threads, %s, host tensors: %s%n",
                            bundle.encoder().name(), side, batch, cores, embedder.provider(), Rates.of(done::get));
                    stop.set(true);
                    driver.join();
                }
            }
        }
    }

    private static void await(List<Future<?>> tasks) {
        for (Future<?> task : tasks) {
            try {
                task.get();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private List<Future<?>> fill(PinnedBuffer tensor, int batch) {
        var tasks = new ArrayList<Future<?>>(batch);
        for (int row = 0; row < batch; row++) {
            byte[] picture = pictures.get(next++ % pictures.size());
            ByteBuffer to = tensor.view();
            int at = row * ROW_BYTES;
            tasks.add(threads.submit(() -> prepare(picture, to, at)));
        }
        return tasks;
    }

    private void prepare(byte[] picture, ByteBuffer to, int at) {
        try (var scope = new PointerScope();
                var bytes = new BytePointer(picture)) {
            Mat whole = imdecode(new Mat(1, picture.length, CV_8UC1, bytes), IMREAD_COLOR_RGB);
            double scale = (double) SIDE / Math.min(whole.cols(), whole.rows());
            int width = (int) Math.round(whole.cols() * scale);
            int height = (int) Math.round(whole.rows() * scale);
            var small = new Mat();
            resize(whole, small, new Size(width, height), 0, 0, INTER_CUBIC);
            var samples = new byte[3 * width * height];
            small.data().get(samples);
            int left = (width - SIDE) / 2;
            int top = (height - SIDE) / 2;
            for (int y = 0; y < SIDE; y++) {
                int from = 3 * ((top + y) * width + left);
                for (int x = 0; x < SIDE; x++, from += 3) {
                    for (int c = 0; c < 3; c++) {
                        to.putShort(at + 2 * ((c * SIDE + y) * SIDE + x), normalised[c][samples[from + c] & 0xFF]);
                    }
                }
            }
            scope.deallocate();
        }
    }
}
