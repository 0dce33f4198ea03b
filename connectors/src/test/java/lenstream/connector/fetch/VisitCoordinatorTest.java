package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.executiongraph.ExecutionAttemptID;
import org.apache.flink.runtime.messages.Acknowledge;
import org.apache.flink.runtime.operators.coordination.OperatorCoordinator.SubtaskGateway;
import org.apache.flink.runtime.operators.coordination.OperatorEvent;
import org.junit.jupiter.api.Test;

class VisitCoordinatorTest {
    private static final long SUBMITTED = 7;
    private static final VisitStanding DONE = new VisitStanding(SUBMITTED, true);

    private final VisitCoordinator coordinator = new VisitCoordinator(2);

    @Test
    void allIsDoneOnceEverySubtaskSaysSo() {
        assertThat(isDone()).isFalse();
        coordinator.handleEventFromOperator(0, 0, DONE);
        assertThat(isDone()).isFalse();
        coordinator.handleEventFromOperator(1, 0, new VisitStanding(SUBMITTED, false));
        assertThat(isDone()).as("a visit is owed").isFalse();
        coordinator.handleEventFromOperator(1, 0, DONE);
        assertThat(isDone()).isTrue();
    }

    @Test
    void whatAnEarlierSubmissionSaidDoesNotCount() {
        coordinator.handleEventFromOperator(0, 0, DONE);
        coordinator.handleEventFromOperator(1, 0, new VisitStanding(SUBMITTED - 1, true));
        assertThat(isDone()).isFalse();
    }

    @Test
    void aNewAttemptKnowsNothingUntilItTells() {
        coordinator.handleEventFromOperator(0, 0, DONE);
        coordinator.handleEventFromOperator(1, 0, DONE);
        coordinator.executionAttemptFailed(1, 0, null);
        assertThat(isDone()).isFalse();
        coordinator.handleEventFromOperator(1, 0, DONE);
        assertThat(isDone()).as("the word of the attempt that failed").isFalse();
        coordinator.handleEventFromOperator(1, 1, DONE);
        coordinator.executionAttemptReady(1, 1, new NobodyThere());
        assertThat(isDone()).as("an attempt that tells before it is announced").isTrue();
        coordinator.subtaskReset(0, 3);
        assertThat(isDone()).isFalse();
    }

    private boolean isDone() {
        return coordinator
                                .handleCoordinationRequest(new VisitStanding.Question())
                                .join()
                        instanceof VisitStanding standing
                && standing.isDone(SUBMITTED);
    }

    /** A subtask that nobody talks to. */
    private static final class NobodyThere implements SubtaskGateway {
        @Override
        public CompletableFuture<Acknowledge> sendEvent(OperatorEvent event) {
            throw new UnsupportedOperationException("nothing is said to subtasks");
        }

        @Override
        public ExecutionAttemptID getExecution() {
            throw new UnsupportedOperationException("nobody asks");
        }

        @Override
        public int getSubtask() {
            throw new UnsupportedOperationException("nobody asks");
        }
    }
}
