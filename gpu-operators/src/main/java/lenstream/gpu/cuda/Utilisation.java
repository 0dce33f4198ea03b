package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaDeviceGetPCIBusId;
import static org.bytedeco.cuda.global.nvml.NVML_SUCCESS;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetHandleByPciBusId_v2;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetJpgUtilization;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetUtilizationRates;
import static org.bytedeco.cuda.global.nvml.nvmlInit_v2;

import java.util.Optional;
import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.cuda.nvml.nvmlUtilization_t;
import org.bytedeco.javacpp.BytePointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How busy a device is, as the driver's management library says, in percent of its last sampling period. Thread-safe. */
public final class Utilisation {
    private static final Logger LOG = LoggerFactory.getLogger(Utilisation.class);
    private static final int BUS_ID_LENGTH = 32;

    private final nvmlDevice_st handle;

    private Utilisation(nvmlDevice_st handle) {
        this.handle = handle;
    }

    /** The readings of a device; empty where the library is missing. */
    public static Optional<Utilisation> of(Device device) {
        try (var busId = new BytePointer(BUS_ID_LENGTH)) {
            Cuda.check(cudaDeviceGetPCIBusId(busId, BUS_ID_LENGTH, device.index()), "read the bus id of the device");
            var handle = new nvmlDevice_st();
            if (nvmlInit_v2() == NVML_SUCCESS && nvmlDeviceGetHandleByPciBusId_v2(busId, handle) == NVML_SUCCESS) {
                return Optional.of(new Utilisation(handle));
            }
        } catch (LinkageError e) {
            LOG.info("event=no_utilisation reason=\"{}\"", e.getMessage());
        }
        return Optional.empty();
    }

    /** Share of time in which a kernel ran; -1 if it cannot be read. */
    public synchronized int kernels() {
        try (var rates = new nvmlUtilization_t()) {
            return nvmlDeviceGetUtilizationRates(handle, rates) == NVML_SUCCESS ? rates.gpu() : -1;
        }
    }

    /** Share of time in which the JPEG engines ran; -1 if it cannot be read. */
    public synchronized int jpegEngines() {
        var percent = new int[1];
        return nvmlDeviceGetJpgUtilization(handle, percent, new int[1]) == NVML_SUCCESS ? percent[0] : -1;
    }
}
