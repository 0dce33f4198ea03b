package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaErrorMemoryAllocation;
import static org.bytedeco.cuda.global.cudart.cudaGetErrorString;
import static org.bytedeco.cuda.global.cudart.cudaGetLastError;
import static org.bytedeco.cuda.global.cudart.cudaSuccess;

import java.util.Set;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.DeviceLost;
import lenstream.gpu.embed.OutOfDeviceMemory;
import org.bytedeco.javacpp.Pointer;

/** The one place where a CUDA status becomes an exception, and an address a pointer. */
public final class Cuda {
    /**
     * Statuses after which the context is dead. Source: cudaError_t of CUDA 13, those whose text says that the process must be
     * terminated and relaunched: ECC, NVLink, illegal address, launch timeout, stack, instruction, alignment, address space,
     * program counter, launch failure, contained; and a context that is destroyed.
     */
    private static final Set<Integer> FATAL = Set.of(214, 220, 226, 700, 702, 709, 714, 715, 716, 717, 718, 719, 721);

    private Cuda() {}

    /**
     * Throws unless {@code status} is success.
     *
     * @param call what was tried, with sizes
     */
    public static void check(int status, String call) {
        if (status == cudaSuccess) {
            return;
        }
        cudaGetLastError(); // else ONNX Runtime, which looks at it after its launches, would report this failure as its
        // own
        String message = call + ": CUDA error " + status + ", "
                + cudaGetErrorString(status).getString();
        if (status == cudaErrorMemoryAllocation) {
            throw new OutOfDeviceMemory(message);
        }
        if (FATAL.contains(status)) {
            throw new DeviceLost(message);
        }
        throw new DeviceException(message, null);
    }

    /** A pointer to an address that somebody else owns. */
    public static Pointer at(long address) {
        return new Address(address);
    }

    private static final class Address extends Pointer {
        Address(long value) {
            address = value;
        }
    }
}
