package lenstream.gpu.codec;

/**
 * Decodes JPEGs into device memory on a stream of its caller. Confined to one thread. Close it before the stream, and before
 * the process ends.
 */
public interface DeviceDecoder extends AutoCloseable {

    /**
     * Queues the decoding of every image. When it returns, each image is marked as decoded or not, the bytes are still being
     * read, and the pixels are there once the stream gets past this point. A bad image costs itself alone.
     *
     * @throws lenstream.gpu.embed.DeviceException if the device or the library failed
     */
    void decode(DecodeOrders orders);

    @Override
    void close();
}
