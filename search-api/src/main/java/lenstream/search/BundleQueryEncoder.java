package lenstream.search;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.file.Path;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import org.jspecify.annotations.Nullable;

/** The encoder of a bundle, run in this process exactly as the index path runs it. Thread-safe. */
final class BundleQueryEncoder implements QueryEncoder {
    /** One text is a few milliseconds of work: more threads would only wait for each other. */
    private static final int TEXT_THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());

    private final ModelBundle bundle;
    private final EmbeddingPipeline images;
    private final TextEmbedder texts;

    private BundleQueryEncoder(ModelBundle bundle, EmbeddingPipeline images, TextEmbedder texts) {
        this.bundle = bundle;
        this.images = images;
        this.texts = texts;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // both parts are freed in close()
    static BundleQueryEncoder open(Path directory) {
        EmbeddingPipeline images = EmbeddingPipeline.open(PipelineConfig.defaults(directory));
        try {
            return new BundleQueryEncoder(
                    images.bundle(), images, OnnxTextEmbedder.open(images.bundle(), TEXT_THREADS));
        } catch (RuntimeException e) {
            images.close();
            throw e;
        }
    }

    @Override
    public Fingerprint fingerprint() {
        return bundle.fingerprint();
    }

    @Override
    public String model() {
        return bundle.encoder().name();
    }

    @Override
    public int dim() {
        return bundle.encoder().dim();
    }

    @Override
    public Encoder.@Nullable ScoreHint scoreHint() {
        return bundle.encoder().scoreHint();
    }

    @Override
    public float[] embedText(String text) {
        return texts.embed(text);
    }

    @Override
    public int tokens(String text) {
        return texts.tokens(text);
    }

    @Override
    public float[] embedImage(byte[] encoded, @Nullable Region region) throws UnreadableImageException {
        try {
            if (region == null) {
                return images.embedQuery(encoded).embedding();
            }
            var part = new lenstream.gpu.pipeline.Region(region.x(), region.y(), region.width(), region.height());
            return images.embedQuery(encoded, part).embedding();
        } catch (ImageRejectedException e) {
            throw new UnreadableImageException(e.reason(), e.detail());
        } catch (IllegalArgumentException e) { // the only argument that can be wrong
            throw ProblemException.badRequest("region lies outside of the image: " + e.getMessage() + ".");
        }
    }

    @Override
    public void close() {
        texts.close();
        images.close();
    }
}
