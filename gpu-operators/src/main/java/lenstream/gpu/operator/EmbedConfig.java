package lenstream.gpu.operator;

import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.gpu.pipeline.PipelineConfig;

/**
 * What an {@link EmbedOperatorFactory} makes its operators from.
 *
 * @param batchRows a batch closes at this many images
 * @param batchBytes or at this many encoded bytes
 * @param maxDelay or when its first image has waited this long
 * @param maxInFlight batches in the pipeline before the operator holds back its input
 */
public record EmbedConfig(PipelineConfig pipeline, int batchRows, long batchBytes, Duration maxDelay, int maxInFlight)
        implements Serializable {
    public EmbedConfig {
        Check.range("batch_rows", batchRows, 1, 100_000);
        Check.range("batch_bytes", batchBytes, 1, 1L << 30);
        Check.positive("max_delay", maxDelay);
        Check.range("max_in_flight", maxInFlight, 1, 64);
    }

    /** 32 images, 32 MiB or 100 ms a batch, 2 batches in flight; the pipeline's own defaults. */
    public static EmbedConfig defaults(Path bundle) {
        return new EmbedConfig(PipelineConfig.defaults(bundle), 32, 32L << 20, Duration.ofMillis(100), 2);
    }

    /** The same with another pipeline. */
    public EmbedConfig withPipeline(PipelineConfig other) {
        return new EmbedConfig(other, batchRows, batchBytes, maxDelay, maxInFlight);
    }
}
