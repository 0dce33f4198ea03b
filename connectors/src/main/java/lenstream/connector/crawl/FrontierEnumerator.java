package lenstream.connector.crawl;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lenstream.connector.fetch.TurnMessage;
import lenstream.connector.source.OwnedSplits;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.jspecify.annotations.Nullable;

/**
 * Gives each site to the subtask that also owns the key group of its host, so that discovery and image requests of a host
 * meet in one process. After a restore sites that the seeds no longer name are dropped, new ones begin, and changed settings
 * take effect.
 *
 * <p>Every method runs on the coordinator's thread; no I/O.
 */
final class FrontierEnumerator extends OwnedSplits<SiteSplit> {
    private final SplitEnumeratorContext<SiteSplit> context;

    /**
     * @param maxParallelism of the visit operator; 0 for Flink's default
     * @param checkpoint null for a fresh start
     */
    FrontierEnumerator(
            SplitEnumeratorContext<SiteSplit> context,
            List<Site> sites,
            int maxParallelism,
            @Nullable List<SiteSplit> checkpoint) {
        super(
                context,
                new Sites(
                        sites,
                        maxParallelism > 0
                                ? maxParallelism
                                : KeyGroupRangeAssignment.computeDefaultMaxParallelism(context.currentParallelism())),
                checkpoint);
        this.context = context;
    }

    /** Subtasks cannot reach each other: what one says to another of a host's turn is passed on here. */
    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {
        if (event instanceof TurnMessage message && context.registeredReaders().containsKey(message.to())) {
            context.sendEventToSourceReader(message.to(), message);
        }
    }

    private static final class Sites implements Plan<SiteSplit> {
        private final Map<String, Site> byUrl = new LinkedHashMap<>();
        private final int maxParallelism;

        Sites(List<Site> sites, int maxParallelism) {
            sites.forEach(site -> byUrl.put(site.url(), site));
            this.maxParallelism = maxParallelism;
        }

        @Override
        public Collection<String> ids() {
            return byUrl.keySet();
        }

        @Override
        public int owner(String id, int parallelism) {
            return KeyGroupRangeAssignment.assignKeyToParallelOperator(site(id).host(), maxParallelism, parallelism);
        }

        @Override
        public SiteSplit split(String id, @Nullable SiteSplit before) {
            return before == null ? SiteSplit.fresh(site(id)) : new SiteSplit(site(id), before.state());
        }

        private Site site(String id) {
            Site site = byUrl.get(id);
            if (site == null) {
                throw new IllegalArgumentException(id + " is no seed");
            }
            return site;
        }
    }
}
