package lenstream.gpu.preprocess;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/**
 * Model input in host memory: float32, NCHW, {@code [capacity, 3, size, size]}. Owns its memory; allocated once and
 * filled again for each batch. Rows may be written by different threads; otherwise confined to one thread at a time.
 */
public final class HostTensor implements AutoCloseable {
    private final ArrowBuf memory;
    private final FloatBuffer floats;
    private final int capacity;
    private final int size;
    private boolean closed;

    private HostTensor(ArrowBuf memory, int capacity, int size) {
        this.memory = memory;
        this.floats = memory.nioBuffer(0, Math.toIntExact(memory.capacity()))
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        this.capacity = capacity;
        this.size = size;
    }

    /**
     * @param capacity rows
     * @param size side of the square input, pixels
     */
    @MustBeClosed
    public static HostTensor allocate(BufferAllocator allocator, int capacity, int size) {
        long bytes = 4L * capacity * 3 * size * size;
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "a batch of " + capacity + " x 3 x " + size + " x " + size + " floats exceeds 2 GiB");
        }
        return new HostTensor(allocator.buffer(bytes), capacity, size);
    }

    public int capacity() {
        return capacity;
    }

    /** Side of the square input, pixels. */
    public int size() {
        return size;
    }

    /** Floats in a row: {@code 3 * size * size}. */
    public int rowLength() {
        return 3 * size * size;
    }

    /** The floats of one row, to write to. */
    public FloatBuffer rowView(int row) {
        checkOpen();
        return floats.slice(row * rowLength(), rowLength());
    }

    /** The floats of the first {@code rows} rows. */
    public FloatBuffer view(int rows) {
        checkOpen();
        return floats.slice(0, rows * rowLength());
    }

    /** Copies a row over another. */
    public void copyRow(int from, int to) {
        checkOpen();
        memory.setBytes(4L * to * rowLength(), memory, 4L * from * rowLength(), 4L * rowLength());
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("tensor is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            memory.close();
        }
    }
}
