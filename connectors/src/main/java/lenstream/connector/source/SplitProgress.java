package lenstream.connector.source;

/**
 * How far what was emitted so far has come in a split. Changed on the task thread, looked at by metric reporters.
 *
 * @param <S> the split
 */
public interface SplitProgress<S> {
    /** The split as a checkpoint keeps it. */
    S split();

    /** Whether it has said all in this submission. */
    boolean isDry();

    /** What is known to be still to come, in the source's own measure. */
    long pending();
}
