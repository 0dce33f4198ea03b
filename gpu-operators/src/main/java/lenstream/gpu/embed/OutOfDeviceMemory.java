package lenstream.gpu.embed;

/** The device has not enough memory left. Fewer images at once can help. */
public final class OutOfDeviceMemory extends DeviceException {
    private static final long serialVersionUID = 1;

    public OutOfDeviceMemory(String message) {
        super(message, null);
    }
}
