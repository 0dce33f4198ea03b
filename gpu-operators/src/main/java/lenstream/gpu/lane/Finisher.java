package lenstream.gpu.lane;

import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Range;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.ThumbnailMaker;
import org.jspecify.annotations.Nullable;

/** Waits for the embeddings of each tensor, hands them to their images and puts the tensor back into the ring. */
final class Finisher {
    private final Device device;
    private final HostPool host;
    private final int dim;
    private final boolean half;
    private final boolean normalise;

    Finisher(Device device, HostPool host, int dim, boolean half, boolean normalise) {
        this.device = device;
        this.host = host;
        this.dim = dim;
        this.half = half;
        this.normalise = normalise;
    }

    /** Works until the thread is interrupted. */
    void run(BlockingQueue<TensorSlot> done, BlockingQueue<TensorSlot> free) throws InterruptedException {
        device.use();
        while (true) {
            TensorSlot slot = done.take();
            slot.done.await();
            try (var inside = Range.FINISH.enter()) {
                finish(slot, free);
            }
        }
    }

    private void finish(TensorSlot slot, BlockingQueue<TensorSlot> free) throws InterruptedException {
        int rows = slot.items.size();
        var values = new float[rows * dim];
        read(slot.hostEmbeddings.view(), values);
        var items = slot.items.toArray(new Item[0]);
        var thumbnails = new byte[rows] @Nullable [];
        for (int row = 0; row < slot.deviceRows; row++) {
            if (!items[row].wantsThumbnail) {
                continue;
            }
            Geometry size = ThumbnailMaker.geometry(items[row].width, items[row].height);
            byte[] rgb = slot.thumbnail(row, 3 * size.width() * size.height());
            if (rgb != null) {
                thumbnails[row] = rgb;
            }
        }
        slot.items.clear();
        free.put(slot);
        for (int row = 0; row < rows; row++) {
            Embedding embedding = Embedding.of(values, row * dim, dim, normalise);
            if (thumbnails[row] != null) {
                host.finish(items[row], thumbnails[row], embedding);
            } else {
                items[row].embedded(embedding);
            }
        }
    }

    private void read(ByteBuffer from, float[] to) {
        if (half) {
            for (int i = 0; i < to.length; i++) {
                to[i] = Float.float16ToFloat(from.getShort(2 * i));
            }
        } else {
            from.slice(0, 4 * to.length).order(from.order()).asFloatBuffer().get(to);
        }
    }
}
