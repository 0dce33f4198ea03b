package lenstream.gpu.pipeline;

/** The bundle's golden images do not come out as they should on this machine, so its vectors would be of another space. */
public final class ParityException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ParityException(String message) {
        super(message);
    }
}
