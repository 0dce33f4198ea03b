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
     * Queues the embedding of {@code rows} rows beginning at {@code from} on the embedder's stream.
     *
     * @throws lenstream.gpu.embed.OutOfDeviceMemory if fewer rows might do
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed otherwise
     */
    public void run(int from, int rows) {
        if (rows != boundRows || from != boundFrom) {
            embedder.bindRows(binding, input, embeddings, from, rows);
            boundFrom = from;
            boundRows = rows;
        }
        embedder.run(binding, rows);
    }

    @Override
    public void close() {
        binding.close();
    }
}
