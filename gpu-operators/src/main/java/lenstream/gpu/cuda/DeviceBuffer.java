package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaFree;
import static org.bytedeco.cuda.global.cudart.cudaMalloc;

import com.google.errorprone.annotations.MustBeClosed;
import org.bytedeco.javacpp.Pointer;

/** A piece of device memory, allocated once and counted by its device. Confined until published; {@link #close()} once. */
public final class DeviceBuffer implements AutoCloseable {
    private final Device device;
    private final String name;
    private final long address;
    private final long bytes;
    private boolean closed;

    private DeviceBuffer(Device device, String name, long address, long bytes) {
        this.device = device;
        this.name = name;
        this.address = address;
        this.bytes = bytes;
    }

    @MustBeClosed
    static DeviceBuffer allocate(Device device, String name, long bytes) {
        try (var pointer = new Pointer()) {
            Cuda.check(cudaMalloc(pointer, bytes), "allocate " + bytes + " bytes of device memory for " + name);
            device.count(name, bytes);
            return new DeviceBuffer(device, name, pointer.address(), bytes);
        }
    }

    /** Aligned to 256 bytes. */
    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.count(name, -bytes);
            Cuda.check(cudaFree(Cuda.at(address)), "free device memory of " + name);
        }
    }
}
