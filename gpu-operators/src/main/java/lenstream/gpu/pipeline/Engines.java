package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.List;
import java.util.Optional;
import lenstream.core.config.ConfigException;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import org.apache.arrow.memory.BufferAllocator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses between the device and the CPU, and says in one line of the log what it chose and why. */
final class Engines {
    private static final Logger LOG = LoggerFactory.getLogger(Engines.class);

    private Engines() {}

    /**
     * Opens the engine that the configuration asks for.
     *
     * @throws ConfigException if it asks for a device and none can be used
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // returned
    static Engine open(
            PipelineConfig config,
            ModelBundle bundle,
            BufferAllocator allocator,
            EmbeddingPipeline.EmbedderFactory onCpu) {
        if (config.placement() == Placement.CPU) {
            return onCpu(config, bundle, allocator, onCpu, "it was asked for");
        }
        Optional<Natives> natives = Natives.of(System.getenv());
        Optional<String> obstacle = obstacle(config, natives, bundle);
        if (obstacle.isEmpty()) {
            try {
                DeviceEngine engine = DeviceEngine.open(config, bundle, natives.orElseThrow(), allocator);
                LOG.info("event=embed_engine engine=gpu device=\"{}\"", engine.name());
                return engine;
            } catch (DeviceException | LinkageError e) {
                obstacle = Optional.of(String.valueOf(e.getMessage()));
                LOG.warn("event=device_unusable device={}", config.device(), e);
            }
        }
        if (config.placement() == Placement.GPU) {
            throw new ConfigException("embed.device", List.of("a GPU is asked for, but " + obstacle.get()));
        }
        return onCpu(config, bundle, allocator, onCpu, obstacle.get());
    }

    @MustBeClosed
    private static Engine onCpu(
            PipelineConfig config,
            ModelBundle bundle,
            BufferAllocator allocator,
            EmbeddingPipeline.EmbedderFactory factory,
            String reason) {
        LOG.info("event=embed_engine engine=cpu reason=\"{}\"", reason);
        return HostEngine.open(config, bundle, allocator, factory);
    }

    private static Optional<String> obstacle(PipelineConfig config, Optional<Natives> natives, ModelBundle bundle) {
        if (natives.isEmpty()) {
            return Optional.of(Natives.VARIABLE + " names no folder of GPU libraries");
        }
        List<String> problems = natives.get().problems();
        if (!problems.isEmpty()) {
            return Optional.of(String.join("; ", problems));
        }
        return CudaPreprocessor.refuses(bundle.encoder().image().preprocessing());
    }
}
