package lenstream.gpu.lane;

import java.nio.file.Path;
import lenstream.core.config.Check;
import lenstream.gpu.codec.NvJpeg;
import lenstream.gpu.embed.trt.Provider;

/**
 * How a device is used.
 *
 * @param device its number on this machine
 * @param batchRows images a batch of each stage
 * @param decodeLanes lanes that decode and preprocess at the same time
 * @param decodeSms multiprocessors set apart for the decode lanes; 0 lets all stages share all of them
 * @param tensors input tensors in the ring
 * @param hostThreads threads for images that the device cannot decode, and for thumbnails
 * @param arenaBytes device memory a decode lane has for the pixels of a batch
 * @param encodedBytes pinned memory a decode lane has for the encoded images of a batch
 * @param inFlight images taken in and not yet done, above which {@code submit} blocks
 * @param decoder name of the {@link lenstream.gpu.codec.DeviceDecoders}
 * @param thumbnails whether thumbnails are made
 * @param half whether TensorRT may compute in float16
 * @param builderLevel TensorRT's builder optimisation level, 0 to 5
 * @param engineCache folder of built engines
 * @param firstProvider the provider of ONNX Runtime to begin with
 * @param graphs whether embedding is recorded as CUDA graphs
 */
public record GpuConfig(
        int device,
        int batchRows,
        int decodeLanes,
        int decodeSms,
        int tensors,
        int hostThreads,
        long arenaBytes,
        int encodedBytes,
        int inFlight,
        String decoder,
        boolean thumbnails,
        boolean half,
        int builderLevel,
        Path engineCache,
        Provider firstProvider,
        boolean graphs) {

    /** Environment variable that names the folder of built engines. */
    public static final String ENGINE_CACHE_VARIABLE = "LENSTREAM_ENGINE_CACHE";

    public GpuConfig {
        Check.range("device", device, 0, 1024);
        Check.range("batch_rows", batchRows, 1, 1024);
        Check.range("decode_lanes", decodeLanes, 1, 16);
        Check.range("decode_sms", decodeSms, 0, 1024);
        Check.range("tensors", tensors, 2, 64);
        Check.range("host_threads", hostThreads, 1, 256);
        Check.range("arena_bytes", arenaBytes, 1 << 20, 1L << 36);
        Check.range("encoded_bytes", encodedBytes, 1 << 20, Integer.MAX_VALUE);
        Check.range("in_flight", inFlight, batchRows, 1 << 20);
        Check.notBlank("decoder", decoder);
        Check.range("builder_level", builderLevel, 0, 5);
    }

    /**
     * Device 0 with what was measured best; see PERFORMANCE.md. Engines are kept in {@link #engineFolder()}. System properties
     * {@code lenstream.gpu.batch_rows}, {@code decode_lanes}, {@code decode_sms}, {@code tensors}, {@code decoder}, {@code
     * builder_level} and {@code graphs} say otherwise.
     */
    public static GpuConfig defaults() {
        int cores = Runtime.getRuntime().availableProcessors();
        int rows = number("batch_rows", 128);
        int lanes = number("decode_lanes", 8);
        int tensors = number("tensors", 16);
        return new GpuConfig(
                0,
                rows,
                lanes,
                number("decode_sms", 0),
                tensors,
                cores,
                1100L << 20,
                128 << 20,
                rows * (lanes + tensors + 4),
                System.getProperty("lenstream.gpu.decoder", NvJpeg.NAME),
                true,
                true,
                number("builder_level", 3),
                engineFolder(),
                Provider.TENSORRT,
                Boolean.parseBoolean(System.getProperty("lenstream.gpu.graphs", "true")));
    }

    private static int number(String key, int otherwise) {
        return Integer.getInteger("lenstream.gpu." + key, otherwise);
    }

    /** The folder that {@link #ENGINE_CACHE_VARIABLE} names, or {@code .cache/lenstream/engines} in the home folder. */
    public static Path engineFolder() {
        String named = System.getenv(ENGINE_CACHE_VARIABLE);
        return named == null || named.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache", "lenstream", "engines")
                : Path.of(named);
    }

    /** The same on another device. */
    public GpuConfig onDevice(int number) {
        return new GpuConfig(
                number,
                batchRows,
                decodeLanes,
                decodeSms,
                tensors,
                hostThreads,
                arenaBytes,
                encodedBytes,
                inFlight,
                decoder,
                thumbnails,
                half,
                builderLevel,
                engineCache,
                firstProvider,
                graphs);
    }

    /** The same with other threads beside the device, and thumbnails or not. */
    public GpuConfig with(int threads, boolean withThumbnails) {
        return new GpuConfig(
                device,
                batchRows,
                decodeLanes,
                decodeSms,
                tensors,
                threads,
                arenaBytes,
                encodedBytes,
                inFlight,
                decoder,
                withThumbnails,
                half,
                builderLevel,
                engineCache,
                firstProvider,
                graphs);
    }

    /** The same with other lanes. */
    public GpuConfig withLanes(int rows, int lanes, int sms, int ring, long arena, String by) {
        return new GpuConfig(
                device,
                rows,
                lanes,
                sms,
                ring,
                hostThreads,
                arena,
                encodedBytes,
                rows * (lanes + ring + 4),
                by,
                thumbnails,
                half,
                builderLevel,
                engineCache,
                firstProvider,
                graphs);
    }

    /** The same with another provider and builder level. */
    public GpuConfig withProvider(Provider first, int level) {
        return new GpuConfig(
                device,
                batchRows,
                decodeLanes,
                decodeSms,
                tensors,
                hostThreads,
                arenaBytes,
                encodedBytes,
                inFlight,
                decoder,
                thumbnails,
                half,
                level,
                engineCache,
                first,
                graphs);
    }

    /** The same with batches of half as many images. */
    GpuConfig halved() {
        return withLanes(
                Math.max(1, batchRows / 2),
                decodeLanes,
                decodeSms,
                tensors,
                Math.max(1 << 20, arenaBytes / 2),
                decoder);
    }
}
