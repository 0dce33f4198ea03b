package lenstream.gpu.embed.trt;

import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Graph;
import org.bytedeco.onnxruntime.IoBinding;
import org.jspecify.annotations.Nullable;

/** One input tensor and its embeddings in device memory, ready to run. Confined to its embedder's thread. */
public final class EmbedBinding implements AutoCloseable {
    private final DeviceEmbedder embedder;
    private final DeviceBuffer input;
    private final DeviceBuffer embeddings;

    /** By the embedder's session; made when it is first run. */
    private final @Nullable Bound[] bound;

    /** Of a full tensor, which is what comes when there is much to do. */
    private @Nullable Graph full;

    /** Of one row, which is what a lone query comes in. */
    private @Nullable Graph single;

    /** What a session is tied to. */
    private static final class Bound {
        final IoBinding binding;
        int from;
        int rows;

        Bound(IoBinding binding) {
            this.binding = binding;
        }
    }

    EmbedBinding(DeviceEmbedder embedder, DeviceBuffer input, DeviceBuffer embeddings) {
        this.embedder = embedder;
        this.input = input;
        this.embeddings = embeddings;
        this.bound = new @Nullable Bound[embedder.sessions()];
    }

    /** As {@link #run(int, int, int)}, with as many rows more as the buffers hold. */
    public boolean run(int from, int rows) {
        return run(from, rows, embedder.rowsIn(input));
    }

    /**
     * Queues the embedding of {@code rows} rows beginning at {@code from} on the embedder's stream. More rows may be embedded,
     * up to the end of the buffers, whose results mean nothing. A full tensor and a single row are recorded when they come for
     * the first time, and queued by one call from then on.
     *
     * @param most rows that the device has memory for, those included that mean nothing
     * @return whether it was recorded before
     * @throws lenstream.gpu.embed.OutOfDeviceMemory if fewer rows might do
     * @throws lenstream.gpu.embed.DeviceException if the device or its run-time library failed otherwise
     */
    @SuppressWarnings("MustBeClosed") // freed in close()
    public boolean run(int from, int rows, int most) {
        int room = embedder.rowsIn(input) - from;
        boolean isFull = from == 0 && rows == room;
        boolean isSingle = from == 0 && rows == 1;
        Graph recorded = isFull ? full : isSingle ? single : null;
        if (recorded != null) {
            embedder.launch(recorded);
            return true;
        }
        int session = embedder.sessionFor(rows);
        int run = Math.min(embedder.rowsOf(session, rows), Math.min(room, Math.max(rows, most)));
        Bound to = bound(session);
        if (run != to.rows || from != to.from) {
            embedder.bindRows(to.binding, input, embeddings, from, run);
            to.from = from;
            to.rows = run;
        }
        embedder.run(session, to.binding, run);
        if (isFull) {
            full = embedder.record(session, to.binding, run);
        } else if (isSingle) {
            single = embedder.record(session, to.binding, run);
        }
        return false;
    }

    @SuppressWarnings("MustBeClosed") // freed in close()
    private Bound bound(int session) {
        Bound known = bound[session];
        if (known == null) {
            known = new Bound(embedder.binding(session));
            bound[session] = known;
        }
        return known;
    }

    @Override
    public void close() {
        try (Graph ofFull = full;
                Graph ofSingle = single) {
            full = null;
            single = null;
        }
        for (int i = 0; i < bound.length; i++) {
            Bound known = bound[i];
            if (known != null) {
                known.binding.close();
                bound[i] = null;
            }
        }
    }
}
