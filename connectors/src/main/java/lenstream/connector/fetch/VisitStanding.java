package lenstream.connector.fetch;

import lenstream.connector.source.Submission;
import org.apache.flink.runtime.operators.coordination.CoordinationRequest;
import org.apache.flink.runtime.operators.coordination.CoordinationResponse;
import org.apache.flink.runtime.operators.coordination.OperatorEvent;

/**
 * Where the visits stand, of one subtask or of all: by this a run knows that it has come to its end. It holds through
 * failures: a new attempt knows nothing until it has been told anew, what it owes is in its state, and the word that all
 * has been said follows the last target through the stream, out of a checkpoint too.
 *
 * @param saidUpTo the newest {@link Submission#submittedAtMillis()} whose targets have all been taken up; {@link
 *     Long#MIN_VALUE} if that is not known of any
 * @param isAnswered whether every visit that a run waits for has been answered
 */
public record VisitStanding(long saidUpTo, boolean isAnswered) implements OperatorEvent, CoordinationResponse {
    private static final long serialVersionUID = 1;

    /** Of a subtask that has not said anything. */
    public static final VisitStanding UNKNOWN = new VisitStanding(Long.MIN_VALUE, false);

    /** Asks the visits of a job, by {@link VisitOperatorFactory#UID}, for the standing of all of them. */
    public record Question() implements CoordinationRequest {
        private static final long serialVersionUID = 1;
    }

    /** Whether nothing is left to do for a submission. */
    public boolean isDone(long submittedAtMillis) {
        return isAnswered && saidUpTo >= submittedAtMillis;
    }

    /** Of both. */
    VisitStanding and(VisitStanding other) {
        return new VisitStanding(Math.min(saidUpTo, other.saidUpTo), isAnswered && other.isAnswered);
    }
}
