package lenstream.connector.crawl;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lenstream.connector.fetch.TurnMessage;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives each site to the subtask that also owns the key group of its host, so that discovery and image requests of a host
 * meet in one process. After a restore readers report the splits they hold and get them again from here: sites that the
 * seeds no longer name are dropped, new ones begin, changed settings take effect, and a new parallelism finds every
 * site at its host's new owner.
 *
 * <p>Every method runs on the coordinator's thread; no I/O.
 */
final class FrontierEnumerator implements SplitEnumerator<SiteSplit, FrontierCheckpoint> {
    private static final Logger LOG = LoggerFactory.getLogger(FrontierEnumerator.class);

    private final SplitEnumeratorContext<SiteSplit> context;
    private final Map<String, Site> sites = new LinkedHashMap<>();
    private final int maxParallelism;
    /** Splits with progress that no reader holds. */
    private final Map<String, SiteSplit> returned = new LinkedHashMap<>();

    private final Set<String> assigned = new HashSet<>();
    private boolean everyReaderCame;

    /**
     * @param maxParallelism of the visit operator; 0 for Flink's default
     * @param checkpoint null for a fresh start
     */
    FrontierEnumerator(
            SplitEnumeratorContext<SiteSplit> context,
            List<Site> sites,
            int maxParallelism,
            @Nullable FrontierCheckpoint checkpoint) {
        this.context = context;
        sites.forEach(site -> this.sites.put(site.url(), site));
        this.maxParallelism = maxParallelism > 0
                ? maxParallelism
                : KeyGroupRangeAssignment.computeDefaultMaxParallelism(context.currentParallelism());
        if (checkpoint != null) {
            checkpoint.unassigned().forEach(split -> returned.put(split.splitId(), split));
        }
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        // sites are given out by their host's key group, not on demand
    }

    @Override
    public void addSplitsBack(List<SiteSplit> splits, int subtask) {
        splits.forEach(this::takeBack);
    }

    @Override
    public void addReader(int subtask) {
        ReaderInfo reader = context.registeredReaders().get(subtask);
        if (reader != null) {
            reader.<SiteSplit>getReportedSplitsOnRegistration().forEach(this::takeBack);
        }
        // only when all have come is it known which sites are held already
        everyReaderCame |= context.registeredReaders().size() == context.currentParallelism();
        if (everyReaderCame) {
            assign();
        }
    }

    /** Subtasks cannot reach each other: what one says to another of a host's turn is passed on here. */
    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {
        if (event instanceof TurnMessage message && context.registeredReaders().containsKey(message.to())) {
            context.sendEventToSourceReader(message.to(), message);
        }
    }

    private void takeBack(SiteSplit split) {
        assigned.remove(split.splitId());
        if (sites.containsKey(split.splitId())) {
            returned.put(split.splitId(), split);
        } else {
            LOG.info("site={} is no longer a seed and is dropped", split.splitId());
        }
    }

    private void assign() {
        int parallelism = context.currentParallelism();
        for (Site site : sites.values()) {
            int owner = KeyGroupRangeAssignment.assignKeyToParallelOperator(site.host(), maxParallelism, parallelism);
            if (!assigned.contains(site.url()) && context.registeredReaders().containsKey(owner)) {
                SiteSplit before = returned.remove(site.url());
                assigned.add(site.url());
                context.assignSplit(
                        before == null ? SiteSplit.fresh(site) : new SiteSplit(site, before.state()), owner);
            }
        }
        for (int reader : context.registeredReaders().keySet()) {
            context.sendEventToSourceReader(reader, new SitesAssigned());
        }
    }

    @Override
    public FrontierCheckpoint snapshotState(long checkpointId) {
        return new FrontierCheckpoint(new ArrayList<>(returned.values()));
    }

    @Override
    public void close() {}
}
