package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaFreeHost;
import static org.bytedeco.cuda.global.cudart.cudaHostAlloc;
import static org.bytedeco.cuda.global.cudart.cudaHostAllocDefault;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Page-locked host memory, which the device reads and writes without a copy through the driver. Counted by its device as
 * {@code pinned:}name. At most 2 GiB, so that one byte buffer sees it all.
 */
public final class PinnedBuffer implements AutoCloseable {
    private final Device device;
    private final String name;
    private final long address;
    private final int bytes;
    private final ByteBuffer view;
    private boolean closed;

    private PinnedBuffer(Device device, String name, long address, int bytes) {
        this.device = device;
        this.name = name;
        this.address = address;
        this.bytes = bytes;
        this.view =
                new BytePointer(Cuda.at(address)).capacity(bytes).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    @MustBeClosed
    static PinnedBuffer allocate(Device device, String name, int bytes) {
        try (var pointer = new Pointer()) {
            Cuda.check(
                    cudaHostAlloc(pointer, bytes, cudaHostAllocDefault),
                    "allocate " + bytes + " bytes of pinned memory for " + name);
            device.count("pinned:" + name, bytes);
            return new PinnedBuffer(device, name, pointer.address(), bytes);
        }
    }

    public long address() {
        return address;
    }

    public int bytes() {
        return bytes;
    }

    /** All of it, native byte order; only absolute access. Not to be used after {@link #close()}. */
    public ByteBuffer view() {
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
        return view;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.count("pinned:" + name, -bytes);
            Cuda.check(cudaFreeHost(Cuda.at(address)), "free pinned memory of " + name);
        }
    }
}
