package lenstream.gpu.pipeline;

import lenstream.core.image.Reason;
import lenstream.core.image.Stage;

/** An image that cannot be embedded, through its own fault. The message is the detail, for people. */
public final class ImageRejectedException extends Exception {
    private static final long serialVersionUID = 1;

    private final Stage stage;
    private final Reason reason;
    private final String detail;

    public ImageRejectedException(Stage stage, Reason reason, String detail) {
        super(detail);
        this.stage = stage;
        this.reason = reason;
        this.detail = detail;
    }

    public Stage stage() {
        return stage;
    }

    public Reason reason() {
        return reason;
    }

    public String detail() {
        return detail;
    }
}
