package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMajor;
import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMinor;
import static org.bytedeco.cuda.global.cudart.cudaDevAttrMaxSharedMemoryPerBlockOptin;
import static org.bytedeco.cuda.global.cudart.cudaDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cudaDeviceGetStreamPriorityRange;
import static org.bytedeco.cuda.global.cudart.cudaDeviceScheduleBlockingSync;
import static org.bytedeco.cuda.global.cudart.cudaDeviceSynchronize;
import static org.bytedeco.cuda.global.cudart.cudaDriverGetVersion;
import static org.bytedeco.cuda.global.cudart.cudaFree;
import static org.bytedeco.cuda.global.cudart.cudaGetDeviceCount;
import static org.bytedeco.cuda.global.cudart.cudaGetDeviceProperties;
import static org.bytedeco.cuda.global.cudart.cudaInitDevice;
import static org.bytedeco.cuda.global.cudart.cudaInitDeviceFlagsAreValid;
import static org.bytedeco.cuda.global.cudart.cudaMemGetInfo;
import static org.bytedeco.cuda.global.cudart.cudaSetDevice;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import lenstream.gpu.embed.DeviceException;
import org.bytedeco.cuda.cudart.cudaDeviceProp;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * One CUDA device and what this process has allocated on it, by name. The context behind it is the process's and lives as
 * long; a {@code Device} holds nothing that has to be closed, its buffers and streams do.
 *
 * <p>Thread-safe. Each thread that uses the device calls {@link #use()} first.
 */
public final class Device {
    /**
     * Whether threads that wait for the device sleep instead of spinning, which is CUDA's default. Neither the rate nor the
     * processor time changed measurably, a query takes 0.05 ms longer; but nothing here spins on a machine with few cores. The
     * system property is for comparisons.
     */
    private static final boolean BLOCKING = Boolean.parseBoolean(System.getProperty("lenstream.gpu.blocking", "true"));

    private final int index;
    private final String name;
    private final String architecture;
    private final int driverVersion;
    private final int sharedBytes;
    private final int highPriority;
    private final ConcurrentHashMap<String, Long> allocated = new ConcurrentHashMap<>();

    private Device(int index, String name, String architecture, int driverVersion, int sharedBytes, int highPriority) {
        this.index = index;
        this.name = name;
        this.architecture = architecture;
        this.driverVersion = driverVersion;
        this.sharedBytes = sharedBytes;
        this.highPriority = highPriority;
    }

    /**
     * Opens a device. {@link Natives#load()} has to come first.
     *
     * @throws DeviceException if there is no such device
     */
    public static Device open(int index) {
        int count = count();
        if (index >= count) {
            throw new DeviceException("open device " + index + ": this machine has " + count, null);
        }
        if (BLOCKING) {
            Cuda.check(
                    cudaInitDevice(index, cudaDeviceScheduleBlockingSync, cudaInitDeviceFlagsAreValid),
                    "make a context on device " + index);
        }
        Cuda.check(cudaSetDevice(index), "use device " + index);
        try (var none = new Pointer()) {
            Cuda.check(cudaFree(none), "make a context on device " + index);
        }
        String name;
        try (var properties = new cudaDeviceProp()) {
            Cuda.check(cudaGetDeviceProperties(properties, index), "read the properties of device " + index);
            name = properties.name().getString();
        }
        var driver = new int[1];
        Cuda.check(cudaDriverGetVersion(driver), "read the driver's version");
        var lowest = new int[1];
        var highest = new int[1];
        Cuda.check(cudaDeviceGetStreamPriorityRange(lowest, highest), "read the range of stream priorities");
        String architecture = "sm_" + attribute(cudaDevAttrComputeCapabilityMajor, index)
                + attribute(cudaDevAttrComputeCapabilityMinor, index);
        return new Device(
                index,
                name,
                architecture,
                driver[0],
                attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index),
                highest[0]);
    }

    /** Devices that this process sees. {@link Natives#load()} has to come first. */
    public static int count() {
        var count = new int[1];
        Cuda.check(cudaGetDeviceCount(count), "count the devices");
        return count[0];
    }

    private static int attribute(int attribute, int index) {
        var value = new int[1];
        Cuda.check(cudaDeviceGetAttribute(value, attribute, index), "read attribute " + attribute);
        return value[0];
    }

    /** Makes this the device of the calling thread. */
    public void use() {
        Cuda.check(cudaSetDevice(index), "use device " + index);
    }

    /** Blocks the calling thread until everything that this process queued on the device is done. */
    public void synchronize() {
        Cuda.check(cudaDeviceSynchronize(), "wait for device " + index);
    }

    public int index() {
        return index;
    }

    /** Marketing name, such as {@code NVIDIA H100 80GB HBM3}. */
    public String name() {
        return name;
    }

    /** Such as {@code sm_90}. */
    public String architecture() {
        return architecture;
    }

    /** The driver's CUDA version, 1000 times the major plus 10 times the minor. */
    public int driverVersion() {
        return driverVersion;
    }

    /** The most shared memory that a block may have. */
    public int sharedBytes() {
        return sharedBytes;
    }

    /** Free bytes of device memory, whoever uses the rest. */
    public long freeBytes() {
        try (var free = new SizeTPointer(1);
                var total = new SizeTPointer(1)) {
            Cuda.check(cudaMemGetInfo(free, total), "read the free memory");
            return free.get();
        }
    }

    /** Bytes that this process's buffers hold now, by name; pinned host memory as {@code pinned:}name. Libraries not counted. */
    public Map<String, Long> allocatedByName() {
        return new TreeMap<>(allocated);
    }

    /** Bytes that this process's buffers hold now. */
    public long allocatedBytes() {
        return allocated.values().stream().mapToLong(Long::longValue).sum();
    }

    void count(String buffer, long bytes) {
        allocated.compute(buffer, (key, before) -> {
            long after = (before == null ? 0 : before) + bytes;
            return after == 0 ? null : after;
        });
    }

    @MustBeClosed
    public DeviceBuffer allocate(String buffer, long bytes) {
        return DeviceBuffer.allocate(this, buffer, bytes);
    }

    @MustBeClosed
    public PinnedBuffer allocatePinned(String buffer, int bytes) {
        return PinnedBuffer.allocate(this, buffer, bytes);
    }

    /** A stream of the lowest priority, which is CUDA's default. */
    @MustBeClosed
    public Stream stream() {
        return Stream.open(0);
    }

    /** A stream whose waiting blocks go before those of other streams. */
    @MustBeClosed
    public Stream urgentStream() {
        return Stream.open(highPriority);
    }

    /** The priority of {@link #urgentStream}. */
    public int urgent() {
        return highPriority;
    }

    @MustBeClosed
    public Event event() {
        return Event.open();
    }

    /** Compiles kernels for this device. */
    @MustBeClosed
    public Kernels compile(String file, String source, String... options) {
        return Kernels.compile(architecture, file, source, options);
    }
}
