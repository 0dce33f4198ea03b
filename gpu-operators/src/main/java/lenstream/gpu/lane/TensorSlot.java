package lenstream.gpu.lane;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Event;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.embed.trt.DeviceEmbedder;
import lenstream.gpu.embed.trt.EmbedBinding;
import lenstream.gpu.lifetime.Closer;
import lenstream.gpu.preprocess.ThumbnailMaker;
import org.jspecify.annotations.Nullable;

/**
 * One place of the ring: an input tensor, its embeddings and its thumbnails, on the device and as pinned copies, and the
 * images in its rows. In one thread's hands at a time: decode lane, embed lane, finisher, and round again.
 */
final class TensorSlot implements AutoCloseable {
    static final int THUMBNAIL_BYTES = 3 * ThumbnailMaker.SIDE * ThumbnailMaker.SIDE;

    final DeviceBuffer input;
    final DeviceBuffer embeddings;
    final PinnedBuffer hostEmbeddings;
    final PinnedBuffer hostRows;
    final @Nullable DeviceBuffer thumbnails;
    final @Nullable PinnedBuffer hostThumbnails;
    final EmbedBinding binding;
    /** Recorded by the decode lane behind the input tensor. */
    final Event ready;
    /** Recorded by the embed lane behind the copied embeddings. */
    final Event done;
    /** The images of the rows, in order. */
    final List<Item> items = new ArrayList<>();
    /** How many of them, the first ones, were preprocessed on the device. */
    int deviceRows;

    private TensorSlot(
            DeviceBuffer input,
            DeviceBuffer embeddings,
            PinnedBuffer hostEmbeddings,
            PinnedBuffer hostRows,
            @Nullable DeviceBuffer thumbnails,
            @Nullable PinnedBuffer hostThumbnails,
            EmbedBinding binding,
            Event ready,
            Event done) {
        this.input = input;
        this.embeddings = embeddings;
        this.hostEmbeddings = hostEmbeddings;
        this.hostRows = hostRows;
        this.thumbnails = thumbnails;
        this.hostThumbnails = hostThumbnails;
        this.binding = binding;
        this.ready = ready;
        this.done = done;
    }

    /**
     * Allocates a slot.
     *
     * @param rowBytes of one image's input
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close(), or by the closer if a later step fails
    static TensorSlot allocate(
            Device device, DeviceEmbedder embedder, int rows, long rowBytes, boolean withThumbnails, Closer closer) {
        DeviceBuffer input = closer.register(device.allocate("tensor", rows * rowBytes));
        int embeddingBytes = rows * embedder.dim() * (embedder.isHalfOutput() ? 2 : 4);
        DeviceBuffer embeddings = closer.register(device.allocate("embeddings", embeddingBytes));
        PinnedBuffer hostEmbeddings = closer.register(device.allocatePinned("embeddings", embeddingBytes));
        PinnedBuffer hostRows = closer.register(device.allocatePinned("host-rows", (int) (rows * rowBytes)));
        DeviceBuffer thumbnails = null;
        PinnedBuffer hostThumbnails = null;
        if (withThumbnails) {
            thumbnails = closer.register(device.allocate("thumbnails", (long) rows * THUMBNAIL_BYTES));
            hostThumbnails = closer.register(device.allocatePinned("thumbnails", rows * THUMBNAIL_BYTES));
        }
        EmbedBinding binding = closer.register(embedder.bind(input, embeddings));
        Event ready = closer.register(device.event());
        Event done = closer.register(device.event());
        return new TensorSlot(
                input, embeddings, hostEmbeddings, hostRows, thumbnails, hostThumbnails, binding, ready, done);
    }

    /** The pixels of a thumbnail, once {@link #done} is reached. */
    byte @Nullable [] thumbnail(int row, int bytes) {
        PinnedBuffer from = hostThumbnails;
        if (from == null) {
            return null;
        }
        var rgb = new byte[bytes];
        ByteBuffer view = from.view();
        view.get(row * THUMBNAIL_BYTES, rgb);
        return rgb;
    }

    /** Its parts belong to the closer that they were registered with. */
    @Override
    public void close() {}
}
