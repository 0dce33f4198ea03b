package lenstream.connector.source;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives each of a known set of splits to the subtask that owns it, once every reader has come and said what it holds. After
 * a restore readers report their splits and get them again from here (so the source must be one that {@link
 * org.apache.flink.api.connector.source.SupportsSplitReassignmentOnRecovery}): what is no longer wanted is dropped, what is
 * new begins, and after a change of the parallelism each goes to its new owner. Its checkpoint are the splits with progress
 * that no reader holds.
 *
 * <p>Every method runs on the coordinator's thread; no I/O.
 *
 * @param <S> the split
 */
public class OwnedSplits<S extends SourceSplit> implements SplitEnumerator<S, List<S>> {
    private static final Logger LOG = LoggerFactory.getLogger(OwnedSplits.class);

    /**
     * What there is to read.
     *
     * @param <S> the split
     */
    public interface Plan<S> {
        /** The ids of all splits. */
        Collection<String> ids();

        /** The subtask that reads a split, below {@code parallelism}. */
        int owner(String id, int parallelism);

        /** The split to begin or go on with. */
        S split(String id, @Nullable S before);
    }

    private final SplitEnumeratorContext<S> context;
    private final Plan<S> plan;
    private final Set<String> wanted;
    private final boolean ends;
    private final Map<String, S> returned = new LinkedHashMap<>();
    private final Set<String> assigned = new HashSet<>();
    private boolean everyReaderCame;

    /** @param checkpoint null for a fresh start */
    public OwnedSplits(SplitEnumeratorContext<S> context, Plan<S> plan, @Nullable List<S> checkpoint) {
        this(context, plan, checkpoint, false);
    }

    /** @param ends whether readers are told that no splits will follow, so that the source ends with them */
    public OwnedSplits(SplitEnumeratorContext<S> context, Plan<S> plan, @Nullable List<S> checkpoint, boolean ends) {
        this.context = context;
        this.plan = plan;
        this.wanted = new HashSet<>(plan.ids());
        this.ends = ends;
        if (checkpoint != null) {
            checkpoint.forEach(this::takeBack);
        }
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        // splits go to their owners at once, not on demand
    }

    @Override
    public void addSplitsBack(List<S> splits, int subtask) {
        splits.forEach(this::takeBack);
    }

    @Override
    public void addReader(int subtask) {
        ReaderInfo reader = context.registeredReaders().get(subtask);
        if (reader != null) {
            reader.<S>getReportedSplitsOnRegistration().forEach(this::takeBack);
        }
        // only when all have come is it known which splits are held already
        everyReaderCame |= context.registeredReaders().size() == context.currentParallelism();
        if (everyReaderCame) {
            assign();
        }
    }

    private void takeBack(S split) {
        assigned.remove(split.splitId());
        if (wanted.contains(split.splitId())) {
            returned.put(split.splitId(), split);
        } else {
            LOG.info("split={} is no longer wanted and is dropped", split.splitId());
        }
    }

    private void assign() {
        for (String id : plan.ids()) {
            int owner = plan.owner(id, context.currentParallelism());
            if (!assigned.contains(id) && context.registeredReaders().containsKey(owner)) {
                assigned.add(id);
                context.assignSplit(plan.split(id, returned.remove(id)), owner);
            }
        }
        for (int reader : context.registeredReaders().keySet()) {
            context.sendEventToSourceReader(reader, new SplitsAssigned());
            if (ends) {
                context.signalNoMoreSplits(reader);
            }
        }
    }

    @Override
    public List<S> snapshotState(long checkpointId) {
        return new ArrayList<>(returned.values());
    }

    @Override
    public void close() {}
}
