package lenstream.gpu.embed.trt;

import java.nio.file.Path;
import lenstream.core.config.Check;

/**
 * How an image tower is opened on a device.
 *
 * @param maxBatch images a run; the engine is tuned for it and takes any number up to it
 * @param half whether TensorRT may compute in float16
 * @param builderLevel TensorRT's builder optimisation level, 0 to 5; higher ones build longer
 * @param cache folder of built engines
 * @param firstProvider the provider to begin with
 * @param graphs whether full batches and single rows are recorded as CUDA graphs, where TensorRT runs the whole model
 */
public record EmbedderConfig(
        int maxBatch, boolean half, int builderLevel, Path cache, Provider firstProvider, boolean graphs) {
    public EmbedderConfig {
        Check.range("max_batch", maxBatch, 1, 1024);
        Check.range("builder_level", builderLevel, 0, 5);
    }
}
