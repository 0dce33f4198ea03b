package lenstream.connector.opensearch;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.connector.base.sink.writer.strategy.RateLimitingStrategy;
import org.apache.flink.connector.base.sink.writer.strategy.RequestInfo;
import org.apache.flink.connector.base.sink.writer.strategy.ResultInfo;

/**
 * How many entries may be in flight: an eighth of a batch more after each request that the cluster took, half as many
 * after one that it refused, or did not answer in time, in any part. A limit below a whole batch makes smaller batches, so
 * that a cluster too slow for one within the time-out gets what it can take. Source of the rule: Jacobson, "Congestion
 * avoidance and control", SIGCOMM 1988.
 *
 * <p>Dead letters come back to the buffer as well and are no sign of overload, which Flink's own strategy cannot tell:
 * the writer says which requests were {@link #refused}. Confined to the task thread, but for {@link #refused} and {@link
 * #entries}.
 */
final class InFlightLimit implements RateLimitingStrategy {
    /** A batch this much smaller still costs the cluster less in requests than in documents. */
    private static final int SMALLEST_SHARE = 32;

    private final int batch;
    private final int requests;
    private final int least;
    private final int most;
    private final AtomicBoolean refused = new AtomicBoolean();
    private volatile int limit;
    private int inFlightRequests;
    private int inFlightEntries;

    /**
     * @param batch most entries of a request
     * @param requests most requests in flight
     */
    InFlightLimit(int batch, int requests) {
        this.batch = batch;
        this.requests = requests;
        this.least = Math.max(1, batch / SMALLEST_SHARE);
        this.most = Math.multiplyExact(batch, requests);
        this.limit = most;
    }

    /** The cluster refused a part of the request that is about to complete. */
    void refused() {
        refused.set(true);
    }

    /** Entries that may be in flight now. */
    int entries() {
        return limit;
    }

    @Override
    public void registerInFlightRequest(RequestInfo request) {
        inFlightRequests++;
        inFlightEntries += request.getBatchSize();
    }

    @Override
    public void registerCompletedRequest(ResultInfo result) {
        inFlightRequests--;
        inFlightEntries -= result.getBatchSize();
        limit = refused.getAndSet(false) ? Math.max(least, limit / 2) : Math.min(most, limit + Math.max(1, batch / 8));
    }

    @Override
    public boolean shouldBlock(RequestInfo request) {
        return inFlightRequests >= requests || inFlightRequests > 0 && inFlightEntries + request.getBatchSize() > limit;
    }

    @Override
    public int getMaxBatchSize() {
        return Math.min(batch, limit);
    }
}
