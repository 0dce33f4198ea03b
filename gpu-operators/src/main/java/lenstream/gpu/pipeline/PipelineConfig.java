package lenstream.gpu.pipeline;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.io.Serializable;
import java.nio.file.Path;
import lenstream.core.config.Check;
import lenstream.gpu.decode.DecodeLimits;

/**
 * What an {@link EmbeddingPipeline} is opened from. Crosses the wire with a job's operators.
 *
 * @param bundle folder of the model bundle, on the machine that opens the pipeline
 * @param subBatchRows images an inference call on the CPU; while one runs, the next ones are decoded
 * @param decodeThreads threads that decode and preprocess; on a device those beside it
 * @param inferenceThreads intra-op threads of the image tower on the CPU, the lane's own included
 * @param limits what is refused before decoding
 * @param placement device or CPU
 * @param device number of the device, where one is used; those beyond the last begin again at the first
 * @param thumbnails whether thumbnails are made
 */
@RecordBuilder
public record PipelineConfig(
        String bundle,
        int subBatchRows,
        int decodeThreads,
        int inferenceThreads,
        DecodeLimits limits,
        Placement placement,
        int device,
        boolean thumbnails)
        implements PipelineConfigBuilder.With, Serializable {
    private static final int DEFAULT_SUB_BATCH_ROWS = 8;

    public PipelineConfig {
        Check.notBlank("bundle", bundle);
        Check.range("sub_batch_rows", subBatchRows, 1, 1024);
        Check.range("decode_threads", decodeThreads, 1, 256);
        Check.range("inference_threads", inferenceThreads, 1, 256);
        Check.range("device", device, 0, 1024);
    }

    /** The same on whatever is there, with thumbnails. */
    public PipelineConfig(
            String bundle, int subBatchRows, int decodeThreads, int inferenceThreads, DecodeLimits limits) {
        this(bundle, subBatchRows, decodeThreads, inferenceThreads, limits, Placement.AUTO, 0, true);
    }

    /** Settings for the machine at hand: as many threads of each kind as there are cores, see the module's README. */
    public static PipelineConfig defaults(Path bundle) {
        int cores = Runtime.getRuntime().availableProcessors();
        return new PipelineConfig(bundle.toString(), DEFAULT_SUB_BATCH_ROWS, cores, cores, DecodeLimits.defaults());
    }

    /** The same with other numbers of threads. */
    public PipelineConfig withThreads(int decoding, int inferring) {
        return new PipelineConfig(bundle, subBatchRows, decoding, inferring, limits, placement, device, thumbnails);
    }

    /** The same elsewhere. */
    public PipelineConfig on(Placement where, int number) {
        return new PipelineConfig(
                bundle, subBatchRows, decodeThreads, inferenceThreads, limits, where, number, thumbnails);
    }
}
