package lenstream.gpu.lane;

import java.nio.file.Path;
import lenstream.core.config.Check;
import lenstream.gpu.embed.trt.Provider;

/**
 * How a device is used.
 *
 * @param device its number on this machine
 * @param batchRows images a batch of each stage
 * @param decodeLanes lanes that decode and preprocess at the same time
 * @param tensors input tensors in the ring
 * @param hostThreads threads for images that the device cannot decode, and for thumbnails
 * @param arenaBytes device memory a decode lane has for the pixels of a batch
 * @param encodedBytes pinned memory a decode lane has for the encoded images of a batch
 * @param inFlight images taken in and not yet done, above which {@code submit} blocks
 * @param decoder which library decodes baseline JPEGs
 * @param thumbnails whether thumbnails are made
 * @param half whether TensorRT may compute in float16
 * @param builderLevel TensorRT's builder optimisation level, 0 to 5
 * @param engineCache folder of built engines
 * @param firstProvider the provider of ONNX Runtime to begin with
 */
public record GpuConfig(
        int device,
        int batchRows,
        int decodeLanes,
        int tensors,
        int hostThreads,
        long arenaBytes,
        int encodedBytes,
        int inFlight,
        Decoder decoder,
        boolean thumbnails,
        boolean half,
        int builderLevel,
        Path engineCache,
        Provider firstProvider) {

    /** The library that decodes baseline JPEGs; other JPEGs are nvImageCodec's in any case. */
    public enum Decoder {
        NVIMAGECODEC,
        NVJPEG
    }

    public GpuConfig {
        Check.range("device", device, 0, 1024);
        Check.range("batch_rows", batchRows, 1, 1024);
        Check.range("decode_lanes", decodeLanes, 1, 16);
        Check.range("tensors", tensors, 2, 64);
        Check.range("host_threads", hostThreads, 1, 256);
        Check.range("arena_bytes", arenaBytes, 1 << 20, 1L << 36);
        Check.range("encoded_bytes", encodedBytes, 1 << 20, Integer.MAX_VALUE);
        Check.range("in_flight", inFlight, batchRows, 1 << 20);
        Check.range("builder_level", builderLevel, 0, 5);
    }

    /** Device 0, batches of 128, three lanes and a ring of six tensors, as measured best; see PERFORMANCE.md. */
    public static GpuConfig defaults(Path engineCache) {
        int cores = Runtime.getRuntime().availableProcessors();
        return new GpuConfig(
                0,
                128,
                3,
                6,
                Math.max(1, cores - 4),
                1100L << 20,
                256 << 20,
                1536,
                Decoder.NVIMAGECODEC,
                true,
                true,
                3,
                engineCache,
                Provider.TENSORRT);
    }

    /** The same on another device. */
    public GpuConfig onDevice(int number) {
        return new GpuConfig(
                number,
                batchRows,
                decodeLanes,
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
                firstProvider);
    }

    /** The same with batches of half as many images. */
    GpuConfig halved() {
        return new GpuConfig(
                device,
                Math.max(1, batchRows / 2),
                decodeLanes,
                tensors,
                hostThreads,
                Math.max(1 << 20, arenaBytes / 2),
                encodedBytes,
                inFlight,
                decoder,
                thumbnails,
                half,
                builderLevel,
                engineCache,
                firstProvider);
    }
}
