package lenstream.gpu.operator;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.Serializable;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import org.apache.arrow.memory.BufferAllocator;

/** Opens the pipeline of an operator on the machine that runs it. */
@FunctionalInterface
interface PipelineOpener extends Serializable {
    @MustBeClosed
    EmbeddingPipeline open(PipelineConfig config, BufferAllocator parent);
}
