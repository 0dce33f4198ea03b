package lenstream.job.reembed;

import java.util.Optional;
import lenstream.core.model.ModelBundle;
import lenstream.core.takedown.TakedownRegister;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import org.jspecify.annotations.Nullable;

/** Embeds the pictures of take-downs; loads its encoder for the first one. Confined to one thread. */
final class LazyEncoder implements TakedownRegister.PictureEncoder, AutoCloseable {
    private final ModelBundle bundle;
    private @Nullable EmbeddingPipeline pipeline;
    private int count;

    LazyEncoder(ModelBundle bundle) {
        this.bundle = bundle;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public Optional<float[]> vector(byte[] picture) {
        EmbeddingPipeline open = pipeline;
        if (open == null) {
            open = EmbeddingPipeline.open(PipelineConfig.defaults(bundle.directory()));
            pipeline = open;
        }
        try {
            float[] vector = open.embedQuery(picture).embedding();
            count++;
            return Optional.of(vector);
        } catch (ImageRejectedException e) {
            return Optional.empty();
        }
    }

    /** How many pictures it has embedded. */
    int count() {
        return count;
    }

    @Override
    public void close() {
        if (pipeline != null) {
            pipeline.close();
            pipeline = null;
        }
    }
}
