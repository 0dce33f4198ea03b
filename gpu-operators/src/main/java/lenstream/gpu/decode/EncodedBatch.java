package lenstream.gpu.decode;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VarBinaryVector;

/**
 * The encoded bytes of a batch of images, gathered into one Arrow {@code VarBinary} vector from which decoders read:
 * the only copy between a record and its decoder. The allocator decides where the bytes lie.
 *
 * <p>Owns its vector. Immutable once made, so several decoders may read it at once; {@link #close()} only after them.
 */
public final class EncodedBatch implements AutoCloseable {
    private final VarBinaryVector vector;
    private final int rows;

    private EncodedBatch(VarBinaryVector vector, int rows) {
        this.vector = vector;
        this.rows = rows;
    }

    /** Copies the images into memory of {@code allocator}. */
    @MustBeClosed
    public static EncodedBatch of(List<byte[]> images, BufferAllocator allocator) {
        long bytes = 0;
        for (byte[] image : images) {
            bytes += image.length;
        }
        var vector = new VarBinaryVector("encoded", allocator);
        try {
            vector.allocateNew(bytes, Math.max(1, images.size()));
            for (int row = 0; row < images.size(); row++) {
                vector.set(row, images.get(row));
            }
            vector.setValueCount(images.size());
            return new EncodedBatch(vector, images.size());
        } catch (Throwable failure) {
            vector.close();
            throw failure;
        }
    }

    public int rows() {
        return rows;
    }

    /** The bytes of one image, big-endian, not to be used after {@link #close()}. */
    public ByteBuffer rowView(int row) {
        int start = vector.getStartOffset(row);
        int end = vector.getEndOffset(row);
        ArrowBuf data = vector.getDataBuffer();
        return data.nioBuffer(start, end - start);
    }

    @Override
    public void close() {
        vector.close();
    }
}
