package lenstream.search;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import lenstream.core.config.ConfigException;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.Relevance;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.Placement;
import lenstream.gpu.pipeline.PreparedQuery;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import lenstream.search.remote.RemoteConfig;
import lenstream.search.remote.RemoteEncoder;
import org.jspecify.annotations.Nullable;

/**
 * The encoder of a bundle, run in this process exactly as the index path runs it, or with its towers on other servers.
 * Thread-safe.
 */
final class BundleQueryEncoder implements QueryEncoder {
    /**
     * One text alone takes 0.8 ms with one thread and 1.1 ms with two, which wait for each other; several texts at once keep
     * the processors busy as well.
     */
    private static final int TEXT_THREADS = 1;

    private final ModelBundle bundle;
    private final EmbeddingPipeline images;
    private final TextEmbedder texts;
    private final int textLanes;
    private final @Nullable RemoteEncoder remote;

    /** The tower on the CPU for tensors that come ready made, which a device's lanes do not take; opened by the first. */
    private @Nullable EmbeddingPipeline tensors; // under this

    private boolean closed; // under this

    /**
     * An image in the pipeline.
     *
     * @param isTensor whether it was preprocessed elsewhere
     */
    private record Ready(PreparedQuery query, boolean isTensor) implements Prepared {
        @Override
        public void close() {
            query.close();
        }
    }

    private BundleQueryEncoder(
            ModelBundle bundle,
            EmbeddingPipeline images,
            TextEmbedder texts,
            int textLanes,
            @Nullable RemoteEncoder remote) {
        this.bundle = bundle;
        this.images = images;
        this.texts = texts;
        this.textLanes = textLanes;
        this.remote = remote;
    }

    /**
     * With both towers in this process.
     *
     * @param device where pictures are embedded
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // both parts are freed in close()
    static BundleQueryEncoder open(Path directory, Placement device) {
        EmbeddingPipeline images = EmbeddingPipeline.open(
                PipelineConfig.defaults(directory).on(device, 0).withThumbnails(false));
        try {
            return new BundleQueryEncoder(
                    images.bundle(),
                    images,
                    OnnxTextEmbedder.open(images.bundle(), TEXT_THREADS),
                    Runtime.getRuntime().availableProcessors(),
                    null);
        } catch (RuntimeException e) {
            images.close();
            throw e;
        }
    }

    /**
     * With the towers on other servers, which must give the bundle's golden vectors.
     *
     * @throws lenstream.core.config.ConfigException if they do not answer in time or are other models
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // all parts are freed in close()
    static BundleQueryEncoder open(Path directory, RemoteConfig where, Metrics metrics) {
        ModelBundle bundle = ModelBundle.load(directory);
        RemoteEncoder remote = RemoteEncoder.open(where, bundle, metrics);
        EmbeddingPipeline images = null;
        try {
            images = EmbeddingPipeline.open(PipelineConfig.defaults(directory), (model, threads) -> remote.images());
            return new BundleQueryEncoder(bundle, images, remote.texts(), remote.calls(), remote);
        } catch (RuntimeException e) {
            if (images != null) {
                images.close();
            }
            remote.close();
            throw e instanceof ProblemException || e instanceof IllegalStateException
                    ? new ConfigException("encoder", List.of(String.valueOf(e.getMessage())))
                    : e;
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
    public Relevance relevance() {
        return bundle.relevance();
    }

    /** As many at once as the bundle allows, and a call for each processor, or connection. */
    @Override
    public Batching texts() {
        return new Batching(bundle.encoder().text().batch(), textLanes);
    }

    @Override
    public Batching images() {
        return new Batching(images.queries().most(), images.queries().lanes());
    }

    @Override
    public List<float[]> embedTexts(List<String> batch) {
        return texts.embed(batch);
    }

    @Override
    public int tokens(String text) {
        return texts.tokens(text);
    }

    @Override
    @SuppressWarnings("MustBeClosed") // closed with what is returned
    public Prepared prepare(byte[] encoded, @Nullable Region region) throws UnreadableImageException {
        try {
            return new Ready(images.prepareQuery(encoded, region == null ? null : part(region)), false);
        } catch (ImageRejectedException e) {
            throw new UnreadableImageException(e.reason(), e.detail());
        } catch (IllegalArgumentException e) { // the only argument that can be wrong
            throw ProblemException.badRequest("region lies outside of the image: " + e.getMessage() + ".");
        }
    }

    private static lenstream.gpu.pipeline.Region part(Region region) {
        return new lenstream.gpu.pipeline.Region(region.x(), region.y(), region.width(), region.height());
    }

    @Override
    public int imageSize() {
        return bundle.encoder().image().preprocessing().size();
    }

    @Override
    @SuppressWarnings("MustBeClosed") // closed with what is returned
    public Prepared prepare(float[] values, int row) {
        int length = 3 * imageSize() * imageSize();
        return new Ready(images.prepareQuery(FloatBuffer.wrap(values, row * length, length)), true);
    }

    @Override
    public List<Embedding> embedImages(List<Prepared> batch) {
        boolean apart = images.onDevice() && batch.stream().anyMatch(image -> ((Ready) image).isTensor());
        if (!apart) {
            return images.embedQueries(queries(batch, image -> true));
        }
        Iterator<Embedding> pictures =
                images.embedQueries(queries(batch, image -> !image.isTensor())).iterator();
        Iterator<Embedding> ready =
                tensors().embedQueries(queries(batch, Ready::isTensor)).iterator();
        return batch.stream()
                .map(image -> ((Ready) image).isTensor() ? ready.next() : pictures.next())
                .toList();
    }

    private static List<PreparedQuery> queries(List<Prepared> batch, Predicate<Ready> wanted) {
        return batch.stream()
                .map(Ready.class::cast)
                .filter(wanted)
                .map(Ready::query)
                .toList();
    }

    @SuppressWarnings("MustBeClosed") // freed in close()
    private synchronized EmbeddingPipeline tensors() {
        if (closed) {
            throw new IllegalStateException("the encoder is closed");
        }
        if (tensors == null) {
            tensors = EmbeddingPipeline.open(PipelineConfig.defaults(bundle.directory())
                    .on(Placement.CPU, 0)
                    .withThumbnails(false));
        }
        return tensors;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            if (tensors != null) {
                tensors.close();
            }
        }
        texts.close();
        images.close();
        if (remote != null) {
            remote.close();
        }
    }
}
