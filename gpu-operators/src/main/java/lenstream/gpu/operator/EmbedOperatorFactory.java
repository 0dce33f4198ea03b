package lenstream.gpu.operator;

import lenstream.core.image.ArrowBatch;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.SpaceWatch;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.legacy.YieldingOperatorFactory;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Makes the operator that gathers {@link FetchedImage}s into batches, embeds them and emits one {@link ArrowBatch} a batch, in
 * order. Use: {@code images.transform("embed", TypeInformation.of(ArrowBatch.class), new EmbedOperatorFactory(config))}.
 *
 * <p>An operator opens one pipeline, so its parallelism is one a device, and on CPUs one a process.
 */
public final class EmbedOperatorFactory extends AbstractStreamOperatorFactory<ArrowBatch>
        implements OneInputStreamOperatorFactory<FetchedImage, ArrowBatch>, YieldingOperatorFactory<ArrowBatch> {
    private static final long serialVersionUID = 1;

    private final EmbedConfig config;
    private final PipelineOpener opener;
    private final SpaceWatch.@Nullable Where plans;

    /**
     * Batches of the space that is written beside the operator's own while there is a move to another encoder; see {@link
     * lenstream.core.index.SpacePlan}.
     */
    public static final OutputTag<ArrowBatch> SECOND =
            new OutputTag<>("second-space", TypeInformation.of(ArrowBatch.class));

    public EmbedOperatorFactory(EmbedConfig config) {
        this(config, EmbeddingPipeline::open);
    }

    /** @param plans where a move to another encoder is announced; null if there is none to come */
    public EmbedOperatorFactory(EmbedConfig config, SpaceWatch.@Nullable Where plans) {
        this(config, EmbeddingPipeline::open, plans);
    }

    EmbedOperatorFactory(EmbedConfig config, PipelineOpener opener) {
        this(config, opener, null);
    }

    EmbedOperatorFactory(EmbedConfig config, PipelineOpener opener, SpaceWatch.@Nullable Where plans) {
        this.config = config;
        this.opener = opener;
        this.plans = plans;
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked") // the signature of StreamOperatorFactory leaves no other way
    public <T extends StreamOperator<ArrowBatch>> T createStreamOperator(
            StreamOperatorParameters<ArrowBatch> parameters) {
        return (T) new EmbedOperator(parameters, config, opener, plans, getMailboxExecutor());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return EmbedOperator.class;
    }
}
