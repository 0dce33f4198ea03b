package lenstream.search;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.Placement;
import lenstream.gpu.preprocess.HostTensor;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import lenstream.search.http.ProblemException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;

/** The encoder of a bundle, run in this process exactly as the index path runs it. Thread-safe. */
final class BundleQueryEncoder implements QueryEncoder {
    /** One text is a few milliseconds of work: more threads would only wait for each other. */
    private static final int TEXT_THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());

    private final ModelBundle bundle;
    private final EmbeddingPipeline images;
    private final TextEmbedder texts;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable ImageEmbedder tower; // under lock
    private boolean closed; // under lock

    private BundleQueryEncoder(ModelBundle bundle, EmbeddingPipeline images, TextEmbedder texts) {
        this.bundle = bundle;
        this.images = images;
        this.texts = texts;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // both parts are freed in close()
    static BundleQueryEncoder open(Path directory) {
        EmbeddingPipeline images = EmbeddingPipeline.open(
                PipelineConfig.defaults(directory).on(Placement.CPU, 0)); // leaves devices to the job
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
    public int imageSize() {
        return bundle.encoder().image().preprocessing().size();
    }

    @Override
    public List<float[]> embedTensors(float[] values) {
        int row = 3 * imageSize() * imageSize();
        int rows = values.length / row;
        lock.lock();
        try (BufferAllocator memory = new RootAllocator();
                HostTensor tensor = HostTensor.allocate(memory, rows, imageSize())) {
            tensor.view(rows).put(values);
            var vectors = new ArrayList<float[]>(rows);
            for (Embedding embedding : tower().embed(tensor, rows)) {
                vectors.add(
                        switch (embedding) {
                            case Embedding.Vector(float[] vector) -> vector;
                            case Embedding.Bad(String detail) ->
                                throw ProblemException.impossible("A tensor has no embedding: " + detail + ".");
                        });
            }
            return vectors;
        } finally {
            lock.unlock();
        }
    }

    /** Few send tensors: the second session is loaded for the first who does. */
    @SuppressWarnings("MustBeClosed") // freed in close()
    private ImageEmbedder tower() {
        if (closed) {
            throw new IllegalStateException("encoder is closed");
        }
        if (tower == null) {
            tower = OnnxImageEmbedder.open(bundle, Runtime.getRuntime().availableProcessors());
        }
        return tower;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (tower != null) {
                tower.close();
                tower = null;
            }
        } finally {
            lock.unlock();
        }
        texts.close();
        images.close();
    }
}
