package lenstream.connector.crawl;

import java.util.List;
import java.util.UUID;
import lenstream.connector.source.SplitListSerializer;
import lenstream.connector.source.Submission;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SupportsSplitReassignmentOnRecovery;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * Discovers the image URLs of web sites. A split is a site and moves with all that is known of its resources. The stream
 * never ends: with {@link #once} its watermark tells when there is nothing more to come.
 *
 * <p>Immutable. Each object is a submission: a job restored under a new one asks every site again.
 */
public final class FrontierSource
        implements Source<CrawlTarget, SiteSplit, List<SiteSplit>>, SupportsSplitReassignmentOnRecovery, Submission {
    private static final long serialVersionUID = 1;

    private final Seeds seeds;
    private final boolean follow;
    private final int maxParallelism;
    private final String run;
    private final long submittedAtMillis;

    private FrontierSource(Seeds seeds, boolean follow, int maxParallelism, String run, long submittedAtMillis) {
        this.seeds = seeds;
        this.follow = follow;
        this.maxParallelism = maxParallelism;
        this.run = run;
        this.submittedAtMillis = submittedAtMillis;
    }

    /** One round of every site. */
    public static FrontierSource once(Seeds seeds) {
        return submitted(seeds, false);
    }

    /** Round after round, each when its site is due. */
    public static FrontierSource follow(Seeds seeds) {
        return submitted(seeds, true);
    }

    private static FrontierSource submitted(Seeds seeds, boolean follow) {
        return new FrontierSource(seeds, follow, 0, UUID.randomUUID().toString(), System.currentTimeMillis());
    }

    /** With the maximum parallelism of the job, if it is not Flink's default. */
    public FrontierSource withMaxParallelism(int keyGroups) {
        return new FrontierSource(seeds, follow, keyGroups, run, submittedAtMillis);
    }

    /** Key groups of the visit operator in a job of this parallelism. */
    int maxParallelism(int parallelism) {
        return maxParallelism > 0 ? maxParallelism : KeyGroupRangeAssignment.computeDefaultMaxParallelism(parallelism);
    }

    Seeds seeds() {
        return seeds;
    }

    boolean follows() {
        return follow;
    }

    /** Identity of this submission. */
    String run() {
        return run;
    }

    @Override
    public long submittedAtMillis() {
        return submittedAtMillis;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SplitEnumerator<SiteSplit, List<SiteSplit>> createEnumerator(SplitEnumeratorContext<SiteSplit> context) {
        return new FrontierEnumerator(context, seeds.sites(), maxParallelism, null);
    }

    @Override
    public SplitEnumerator<SiteSplit, List<SiteSplit>> restoreEnumerator(
            SplitEnumeratorContext<SiteSplit> context, List<SiteSplit> checkpoint) {
        return new FrontierEnumerator(context, seeds.sites(), maxParallelism, checkpoint);
    }

    @Override
    public SimpleVersionedSerializer<SiteSplit> getSplitSerializer() {
        return new SiteSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<List<SiteSplit>> getEnumeratorCheckpointSerializer() {
        return SplitListSerializer.of(new SiteSplitSerializer());
    }

    @Override
    public SourceReader<CrawlTarget, SiteSplit> createReader(SourceReaderContext context) {
        return FrontierReader.open(this, context);
    }
}
