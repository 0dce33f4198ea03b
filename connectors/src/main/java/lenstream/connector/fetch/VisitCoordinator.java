package lenstream.connector.fetch;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.operators.coordination.CoordinationRequest;
import org.apache.flink.runtime.operators.coordination.CoordinationRequestHandler;
import org.apache.flink.runtime.operators.coordination.CoordinationResponse;
import org.apache.flink.runtime.operators.coordination.OperatorCoordinator;
import org.apache.flink.runtime.operators.coordination.OperatorEvent;
import org.jspecify.annotations.Nullable;

/**
 * Knows in the JobManager where the visits stand, and says so when asked. Metrics would not do: Flink asks no TaskManager
 * for its metrics while one that was killed owes an answer, which by default may last ten minutes.
 *
 * <p>Nothing is kept in checkpoints: every attempt of a subtask tells anew. Confined to the JobManager's main thread.
 */
final class VisitCoordinator implements OperatorCoordinator, CoordinationRequestHandler {
    private final VisitStanding[] standings;
    private final int[] attempts;

    VisitCoordinator(int parallelism) {
        this.standings = new VisitStanding[parallelism];
        this.attempts = new int[parallelism];
        Arrays.fill(standings, VisitStanding.UNKNOWN);
    }

    @Override
    public void start() {}

    @Override
    public void close() {}

    @Override
    public void handleEventFromOperator(int subtask, int attempt, OperatorEvent event) {
        if (!(event instanceof VisitStanding standing)) {
            throw new IllegalArgumentException("visits do not tell of " + event);
        }
        if (attempt >= attempts[subtask]) {
            attempts[subtask] = attempt;
            standings[subtask] = standing;
        }
    }

    @Override
    public CompletableFuture<CoordinationResponse> handleCoordinationRequest(CoordinationRequest request) {
        if (!(request instanceof VisitStanding.Question)) {
            return CompletableFuture.failedFuture(new IllegalArgumentException("visits do not know " + request));
        }
        return CompletableFuture.completedFuture(
                Arrays.stream(standings).reduce(VisitStanding::and).orElse(VisitStanding.UNKNOWN));
    }

    @Override
    public void executionAttemptReady(int subtask, int attempt, SubtaskGateway gateway) {
        forgetBefore(subtask, attempt);
    }

    @Override
    public void executionAttemptFailed(int subtask, int attempt, @Nullable Throwable reason) {
        forgetBefore(subtask, attempt + 1);
    }

    @Override
    public void subtaskReset(int subtask, long checkpointId) {
        standings[subtask] = VisitStanding.UNKNOWN;
    }

    private void forgetBefore(int subtask, int attempt) {
        if (attempt > attempts[subtask]) {
            attempts[subtask] = attempt;
            standings[subtask] = VisitStanding.UNKNOWN;
        }
    }

    @Override
    public void checkpointCoordinator(long checkpointId, CompletableFuture<byte[]> result) {
        result.complete(new byte[0]);
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {}

    @Override
    public void resetToCheckpoint(long checkpointId, byte @Nullable [] checkpoint) {
        Arrays.fill(standings, VisitStanding.UNKNOWN);
    }
}
