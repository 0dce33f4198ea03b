package lenstream.gpu.operator;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpaceWatch;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pipeline of the space that an operator writes beside its own while there is a move to another encoder. It is opened
 * on the watch's thread, so that images go on meanwhile, and closed by the task. {@link #pipeline} and {@link #ownWanted}
 * may be asked from any thread.
 */
final class SecondSpace implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SecondSpace.class);

    private final String own;
    private final PipelineConfig config;
    private final PipelineOpener opener;
    private final BufferAllocator allocator;
    private final SpaceWatch watch;
    private volatile boolean ownWanted = true;
    private volatile boolean wanted;
    private volatile @Nullable EmbeddingPipeline pipeline;

    @SuppressWarnings("MustBeClosed") // freed in close()
    private SecondSpace(
            SpaceWatch.Where where,
            String own,
            PipelineConfig config,
            PipelineOpener opener,
            BufferAllocator allocator) {
        this.own = own;
        this.config = config;
        this.opener = opener;
        this.allocator = allocator;
        this.watch = SpaceWatch.start(where, new SpaceWatch.Deed("job", List.of(own), ""), this::follow);
    }

    /** @param own fingerprint of the operator's own space */
    @MustBeClosed
    static SecondSpace follow(
            SpaceWatch.Where where,
            String own,
            PipelineConfig config,
            PipelineOpener opener,
            BufferAllocator allocator) {
        return new SecondSpace(where, own, config, opener, allocator);
    }

    /** Whether the operator's own space is still to be written. */
    boolean ownWanted() {
        return ownWanted;
    }

    /** The second pipeline; empty while there is none, or none yet. */
    Optional<EmbeddingPipeline> pipeline() {
        return Optional.ofNullable(pipeline);
    }

    /** Whether {@link #pipeline} has had its time and is to be closed once nothing is under way in it. */
    boolean isRetired() {
        return pipeline != null && !wanted;
    }

    /** On the task's thread, when nothing is under way in the second pipeline. */
    void retire() {
        EmbeddingPipeline last = pipeline;
        pipeline = null;
        if (last != null) {
            last.close();
        }
    }

    private SpaceWatch.Deed follow(SpacePlan plan) {
        var written = new ArrayList<String>();
        boolean concerned =
                plan.from().fingerprint().equals(own) || plan.to().fingerprint().equals(own);
        ownWanted = !concerned
                || plan.written().stream().anyMatch(space -> space.fingerprint().equals(own));
        if (ownWanted) {
            written.add(own);
        }
        String problem = "";
        Optional<Space> other = concerned
                ? plan.written().stream()
                        .filter(space -> !space.fingerprint().equals(own))
                        .findFirst()
                : Optional.empty();
        EmbeddingPipeline present = pipeline;
        if (other.isEmpty()) {
            wanted = false;
        } else if (present == null) {
            problem = open(other.get());
        } else {
            wanted = present.fingerprint().value().equals(other.get().fingerprint());
        }
        EmbeddingPipeline now = pipeline;
        if (now != null && wanted) {
            written.add(now.fingerprint().value());
        }
        return new SpaceWatch.Deed("job", List.copyOf(written), problem);
    }

    @SuppressWarnings("MustBeClosed") // freed in retire() or close()
    private String open(Space space) {
        try {
            EmbeddingPipeline opened = opener.open(config.withBundle(space.bundle()), allocator);
            if (!opened.fingerprint().value().equals(space.fingerprint())) {
                String found = opened.fingerprint().value();
                opened.close();
                return space.bundle() + " holds " + found + ", not " + space.fingerprint();
            }
            wanted = true;
            pipeline = opened;
            LOG.info("event=second_space fingerprint={}", space.fingerprint());
            return "";
        } catch (RuntimeException e) {
            LOG.warn("event=second_space_refused fingerprint={} bundle={}", space.fingerprint(), space.bundle(), e);
            return "cannot open " + space.bundle() + ": " + e.getMessage();
        }
    }

    @Override
    public void close() {
        watch.close(); // opens no more from here on
        retire();
    }
}
