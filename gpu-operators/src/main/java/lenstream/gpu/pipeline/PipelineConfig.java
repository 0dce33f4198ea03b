package lenstream.gpu.pipeline;

import java.io.Serializable;
import java.nio.file.Path;
import lenstream.core.config.Check;
import lenstream.gpu.decode.DecodeLimits;

/**
 * What an {@link EmbeddingPipeline} is opened from. Crosses the wire with a job's operators.
 *
 * @param bundle folder of the model bundle, on the machine that opens the pipeline
 * @param subBatchRows images an inference call; while one runs, the next ones are decoded
 * @param decodeThreads threads that decode and preprocess
 * @param inferenceThreads intra-op threads of the image tower, the lane's own included
 * @param limits what is refused before decoding
 */
public record PipelineConfig(
        String bundle, int subBatchRows, int decodeThreads, int inferenceThreads, DecodeLimits limits)
        implements Serializable {
    private static final int DEFAULT_SUB_BATCH_ROWS = 8;

    public PipelineConfig {
        Check.notBlank("bundle", bundle);
        Check.range("sub_batch_rows", subBatchRows, 1, 1024);
        Check.range("decode_threads", decodeThreads, 1, 256);
        Check.range("inference_threads", inferenceThreads, 1, 256);
    }

    /** Settings for the machine at hand: as many threads of each kind as there are cores, see the module's README. */
    public static PipelineConfig defaults(Path bundle) {
        int cores = Runtime.getRuntime().availableProcessors();
        return new PipelineConfig(bundle.toString(), DEFAULT_SUB_BATCH_ROWS, cores, cores, DecodeLimits.defaults());
    }

    /** The same with another encoder. */
    public PipelineConfig withBundle(String directory) {
        return new PipelineConfig(directory, subBatchRows, decodeThreads, inferenceThreads, limits);
    }

    /** The same with other limits of one image. */
    public PipelineConfig withLimits(DecodeLimits others) {
        return new PipelineConfig(bundle, subBatchRows, decodeThreads, inferenceThreads, others);
    }

    /** The same with other numbers of threads. */
    public PipelineConfig withThreads(int decoding, int inferring) {
        return new PipelineConfig(bundle, subBatchRows, decoding, inferring, limits);
    }
}
