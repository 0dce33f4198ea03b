package lenstream.gpu.lane;

import java.util.concurrent.BlockingQueue;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Range;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.embed.OutOfDeviceMemory;
import lenstream.gpu.embed.trt.DeviceEmbedder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Embeds the ring's tensors one after the other on one stream; the device waits for each tensor, this thread does not. */
final class EmbedLane {
    private static final Logger LOG = LoggerFactory.getLogger(EmbedLane.class);

    private final Device device;
    private final Stream stream;
    private final DeviceEmbedder embedder;

    EmbedLane(Device device, Stream stream, DeviceEmbedder embedder) {
        this.device = device;
        this.stream = stream;
        this.embedder = embedder;
    }

    /** Works until the thread is interrupted. */
    void run(BlockingQueue<TensorSlot> filled, BlockingQueue<TensorSlot> done, RowLimit limit, Counters counters)
            throws InterruptedException {
        device.use();
        while (true) {
            long start = System.nanoTime();
            TensorSlot slot = filled.take();
            long starved = System.nanoTime() - start;
            counters.starvedNanos.add(starved);
            var event = new EmbedEvent();
            event.begin();
            stream.waitFor(slot.ready);
            int rows = slot.items.size();
            try (var inside = Range.EMBED.enter()) {
                event.recorded = slot.binding.run(0, rows, limit.rows());
                if (event.recorded) {
                    counters.recordedBatches.increment();
                }
            } catch (OutOfDeviceMemory e) {
                if (!limit.halve()) {
                    throw e;
                }
                counters.halvings.increment();
                LOG.warn("event=batch_halved rows={} reason=\"{}\"", limit.rows(), e.getMessage());
                int half = (rows + 1) / 2;
                slot.binding.run(0, half, half);
                slot.binding.run(half, rows - half, half);
            }
            long bytes = (long) rows * embedder.dim() * (embedder.isHalfOutput() ? 2 : 4);
            stream.copyToHost(slot.embeddings, 0, slot.hostEmbeddings, 0, bytes);
            slot.done.record(stream);
            counters.batches.increment();
            event.rows = rows;
            event.starvedNanos = starved;
            event.commit();
            done.put(slot);
        }
    }
}
