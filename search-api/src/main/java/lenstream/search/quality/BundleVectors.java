package lenstream.search.quality;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.IntConsumer;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.Placement;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;

/**
 * Embeds files and texts with a bundle in this process, exactly as indexing and searching do, on all processors. Owns both
 * towers and its threads. Confined to one thread.
 */
public final class BundleVectors implements AutoCloseable {
    private final EmbeddingPipeline images;
    private final TextEmbedder texts;
    private final ExecutorService threads =
            Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());

    private BundleVectors(EmbeddingPipeline images, TextEmbedder texts) {
        this.images = images;
        this.texts = texts;
    }

    /** @throws lenstream.core.config.ConfigException if the bundle cannot be used */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // both parts are freed in close()
    public static BundleVectors open(Path bundle) {
        EmbeddingPipeline images =
                EmbeddingPipeline.open(PipelineConfig.defaults(bundle).on(Placement.CPU, 0));
        try {
            return new BundleVectors(images, OnnxTextEmbedder.open(images.bundle(), 1));
        } catch (RuntimeException e) {
            images.close();
            throw e;
        }
    }

    public ModelBundle bundle() {
        return images.bundle();
    }

    /**
     * The vectors of files, in their order; empty for one that is no readable image.
     *
     * @param done is told how many are
     */
    public List<Optional<float[]>> ofFiles(List<Path> files, IntConsumer done) throws InterruptedException {
        return each(files, this::ofFile, done);
    }

    /** The vectors of texts, in their order. */
    public List<float[]> ofTexts(List<String> list, IntConsumer done) throws InterruptedException {
        return each(list, texts::embed, done);
    }

    private Optional<float[]> ofFile(Path file) {
        try {
            return Optional.of(images.embedQuery(Files.readAllBytes(file)).embedding());
        } catch (ImageRejectedException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private <A, B> List<B> each(List<A> list, Function<A, B> work, IntConsumer done) throws InterruptedException {
        List<Future<B>> waiting =
                list.stream().map(one -> threads.submit(() -> work.apply(one))).toList();
        var results = new ArrayList<B>(list.size());
        for (Future<B> one : waiting) {
            try {
                results.add(one.get());
            } catch (ExecutionException e) {
                throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
            }
            done.accept(results.size());
        }
        return results;
    }

    @Override
    public void close() {
        threads.shutdownNow();
        threads.close();
        texts.close();
        images.close();
    }
}
