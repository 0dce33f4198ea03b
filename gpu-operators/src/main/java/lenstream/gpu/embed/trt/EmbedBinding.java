package lenstream.gpu.embed.trt;

import lenstream.gpu.cuda.DeviceBuffer;
import org.bytedeco.onnxruntime.IoBinding;

/** One input tensor and its embeddings in device memory, ready to run. Confined to its embedder's thread. */
public final class EmbedBinding implements AutoCloseable {
    private final DeviceEmbedder embedder;
    private final IoBinding binding;
    private final DeviceBuffer input;
    private final DeviceBuffer embeddings;
    private int boundFrom;
    private int boundRows;

    EmbedBinding(DeviceEmbedder embedder, IoBinding binding, DeviceBuffer input, DeviceBuffer embeddings) {
        this.embedder = embedder;
        this.binding = binding;
        this.input = input;
        this.embeddings = embeddings;
    }

    /**
     * Queues the embedding of {@code rows} rows beginning at {@code from} on the embedder's stream. More rows may be embedded,
     * up to the end of the buffers, whose results mean nothing.
     *
     * @throws lenstream.gpu.embed.OutOfDeviceMemory if fewer rows might do
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed otherwise
     */
    public void run(int from, int rows) {
        int most = embedder.rowsIn(input) - from;
        int run = embedder.provider() == Provider.CUDA ? Math.min(most, roundedUp(rows)) : rows;
        if (run != boundRows || from != boundFrom) {
            embedder.bindRows(binding, input, embeddings, from, run);
            boundFrom = from;
            boundRows = run;
        }
        embedder.run(binding, run);
    }

    /** The next power of two: cuDNN looks for algorithms anew for each number of rows, so there had better be few. */
    private static int roundedUp(int rows) {
        return rows == 1 ? 1 : Integer.highestOneBit(rows - 1) << 1;
    }

    @Override
    public void close() {
        binding.close();
    }
}
