package lenstream.gpu.lane;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.List;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.codec.DecodeOrders;
import lenstream.gpu.codec.DeviceDecoder;
import lenstream.gpu.codec.DeviceDecoders;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.JpegStructure;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import lenstream.gpu.preprocess.cuda.PreprocessBatch;

/** Decoding, and preprocessing if wanted, of one batch again and again: its bytes lie in pinned memory already. */
final class BareLane implements AutoCloseable {
    final Stream stream;
    private final Device device;
    private final DeviceDecoder decoder;
    private final DecodeOrders orders;
    private final PreprocessBatch batch;
    private final DeviceBuffer tensor;
    private final PinnedBuffer encoded;
    private final DeviceBuffer arena;
    private final int size;
    private final int side;
    private final Preprocessing rules;

    /** @param pictures square, baseline, {@code side} pixels */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    BareLane(
            Device device,
            DeviceDecoders decoders,
            CudaPreprocessor kernels,
            Preprocessing rules,
            List<byte[]> pictures,
            int size,
            int side) {
        this.device = device;
        this.size = size;
        this.side = side;
        this.rules = rules;
        stream = device.urgentStream();
        decoder = decoders.decoder(size, stream);
        orders = new DecodeOrders(size);
        int total = 0;
        for (int i = 0; i < size; i++) {
            total += (pictures.get(i % pictures.size()).length + 63) & ~63;
        }
        encoded = device.allocatePinned("bench", total);
        long slot = (3L * side * side + 511) / 256 * 256;
        arena = device.allocate("bench", slot * size + 256);
        var structure = new JpegStructure();
        int at = 0;
        for (int i = 0; i < size; i++) {
            byte[] picture = pictures.get(i % pictures.size());
            String refusal = structure.refusal(picture);
            if (refusal != null) {
                throw new IllegalArgumentException(refusal);
            }
            encoded.view().put(at, picture);
            orders.add(
                    encoded.address() + at,
                    structure.length(),
                    arena.address() + 256 + slot * i,
                    side,
                    side,
                    structure.sampling());
            at += (picture.length + 63) & ~63;
        }
        batch = PreprocessBatch.allocate(
                kernels, 224, rules.interpolation(), size, (long) size * side * 672 + 4096, 64L << 20);
        tensor = device.allocate("bench", size * kernels.tensorBytes());
    }

    int decode(boolean preprocess) {
        device.use();
        decoder.decode(orders);
        if (preprocess) {
            queuePreprocessing();
        }
        stream.synchronize();
        for (int i = 0; i < size; i++) {
            if (!orders.isDecoded(i)) {
                throw new IllegalStateException("image " + i + " was not decoded");
            }
        }
        return size;
    }

    /** Descriptors and one wait included. */
    int preprocess(int times) {
        device.use();
        for (int i = 0; i < times; i++) {
            queuePreprocessing();
        }
        stream.synchronize();
        return size * times;
    }

    private void queuePreprocessing() {
        batch.clear();
        for (int i = 0; i < size; i++) {
            if (!batch.add(orders.pixels(i), side, side, Geometry.of(rules, side, side))) {
                throw new IllegalStateException("no room");
            }
        }
        batch.toTensor(stream, tensor);
    }

    @Override
    public void close() {
        device.synchronize();
        decoder.close();
        batch.close();
        tensor.close();
        encoded.close();
        arena.close();
        stream.close();
    }
}
