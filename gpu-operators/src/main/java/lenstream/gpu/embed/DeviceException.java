package lenstream.gpu.embed;

import org.jspecify.annotations.Nullable;

/**
 * The device or its run-time library failed: not the fault of an image, and not cured by leaving one out. The message says
 * what was tried, on what, with sizes.
 */
public sealed class DeviceException extends RuntimeException permits OutOfDeviceMemory, DeviceLost {
    private static final long serialVersionUID = 1;

    public DeviceException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
