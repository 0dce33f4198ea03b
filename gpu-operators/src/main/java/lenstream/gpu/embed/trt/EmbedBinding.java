package lenstream.gpu.embed.trt;

import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Graph;
import org.bytedeco.onnxruntime.IoBinding;
import org.jspecify.annotations.Nullable;

/** One input tensor and its embeddings in device memory, ready to run. Confined to its embedder's thread. */
public final class EmbedBinding implements AutoCloseable {
    private final DeviceEmbedder embedder;
    private final IoBinding binding;
    private final DeviceBuffer input;
    private final DeviceBuffer embeddings;
    private int boundFrom;
    private int boundRows;

    /** Of a full tensor, which is what comes when there is much to do. */
    private @Nullable Graph full;

    /** Of one row, which is what a lone query comes in. */
    private @Nullable Graph single;

    EmbedBinding(DeviceEmbedder embedder, IoBinding binding, DeviceBuffer input, DeviceBuffer embeddings) {
        this.embedder = embedder;
        this.binding = binding;
        this.input = input;
        this.embeddings = embeddings;
    }

    /**
     * Queues the embedding of {@code rows} rows beginning at {@code from} on the embedder's stream. More rows may be embedded,
     * up to the end of the buffers, whose results mean nothing. A full tensor and a single row are recorded when they come for
     * the first time, and queued by one call from then on.
     *
     * @return whether it was recorded before
     * @throws lenstream.gpu.embed.OutOfDeviceMemory if fewer rows might do
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed otherwise
     */
    @SuppressWarnings("MustBeClosed") // freed in close()
    public boolean run(int from, int rows) {
        int most = embedder.rowsIn(input) - from;
        boolean isFull = from == 0 && rows == most;
        boolean isSingle = from == 0 && rows == 1;
        Graph recorded = isFull ? full : isSingle ? single : null;
        if (recorded != null) {
            embedder.launch(recorded);
            return true;
        }
        int run = embedder.provider() == Provider.CUDA ? Math.min(most, roundedUp(rows)) : rows;
        if (run != boundRows || from != boundFrom) {
            embedder.bindRows(binding, input, embeddings, from, run);
            boundFrom = from;
            boundRows = run;
        }
        embedder.run(binding, run);
        if (isFull) {
            full = embedder.record(binding, run);
        } else if (isSingle) {
            single = embedder.record(binding, run);
        }
        return false;
    }

    /** The next power of two: cuDNN looks for algorithms anew for each number of rows, so there had better be few. */
    private static int roundedUp(int rows) {
        return rows == 1 ? 1 : Integer.highestOneBit(rows - 1) << 1;
    }

    @Override
    public void close() {
        try (binding;
                Graph ofFull = full) {
            full = null;
            if (single != null) {
                single.close();
                single = null;
            }
        }
    }
}
