package lenstream.gpu.operator;

import lenstream.core.image.ArrowBatch;
import lenstream.core.image.FetchedImage;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.legacy.YieldingOperatorFactory;

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

    public EmbedOperatorFactory(EmbedConfig config) {
        this(config, EmbeddingPipeline::open);
    }

    EmbedOperatorFactory(EmbedConfig config, PipelineOpener opener) {
        this.config = config;
        this.opener = opener;
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked") // the signature of StreamOperatorFactory leaves no other way
    public <T extends StreamOperator<ArrowBatch>> T createStreamOperator(
            StreamOperatorParameters<ArrowBatch> parameters) {
        return (T) new EmbedOperator(parameters, config, opener, getMailboxExecutor());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return EmbedOperator.class;
    }
}
