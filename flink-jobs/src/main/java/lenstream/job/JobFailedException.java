package lenstream.job;

import org.jspecify.annotations.Nullable;

/** The job ended for good with a failure that its restart strategy does not cure. The message is the root cause's. */
public final class JobFailedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public JobFailedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** The first line of the innermost cause, which is what people can act on. */
    public static JobFailedException rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
        return new JobFailedException(message.lines().findFirst().orElse(message), failure);
    }
}
