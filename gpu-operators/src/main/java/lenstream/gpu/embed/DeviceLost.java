package lenstream.gpu.embed;

/**
 * The context on the device is dead: every later call fails. Only a new process gets a new one, so the process has to end;
 * a restarted task in the same process would fail again.
 */
public final class DeviceLost extends DeviceException {
    private static final long serialVersionUID = 1;

    public DeviceLost(String message) {
        super(message, null);
    }
}
