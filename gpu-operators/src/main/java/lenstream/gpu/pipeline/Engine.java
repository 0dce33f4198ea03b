package lenstream.gpu.pipeline;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import org.jspecify.annotations.Nullable;

/**
 * What turns encoded images into embeddings: the stages on the CPU, or the lanes of a device. Thread-safe. {@link #close()}
 * cancels what is under way.
 */
interface Engine extends AutoCloseable {

    /**
     * Queues images behind those submitted before.
     *
     * @return one row an image, in the same order; after one failure of the device everything else under way fails with it
     */
    CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images);

    /**
     * Reads an image, or a region of it, for somebody who waits; {@link #infer} does the rest.
     *
     * @return the caller closes it
     * @throws ImageRejectedException if the image cannot be decoded
     * @throws IllegalArgumentException if the region lies outside the image
     */
    @MustBeClosed
    PreparedQuery prepare(byte[] encoded, @Nullable Region region) throws ImageRejectedException;

    /**
     * The vectors of images that were prepared here, or of tensors; all in one call of the tower, as far as {@link
     * #queries} says.
     *
     * @return one outcome a query, in the same order
     */
    List<Embedding> infer(List<PreparedQuery> queries);

    /** How calls of {@link #infer} pay. */
    ImageEmbedder.Queries queries();

    /** Embeds one image on the calling thread. */
    default QueryImage query(byte[] encoded, @Nullable Region region) throws ImageRejectedException {
        try (PreparedQuery query = prepare(encoded, region)) {
            return switch (infer(List.of(query)).getFirst()) {
                case Embedding.Vector vector -> query.with(vector.values());
                case Embedding.Bad bad ->
                    throw new ImageRejectedException(Stage.EMBED, Reason.BAD_EMBEDDING, bad.detail());
            };
        }
    }

    PipelineStats stats();

    /** Images under way below which the engine would have too little to do; 0 if any batch is enough. */
    int rowsInFlight();

    /** Who does it, for people: {@code CPU}, or the name of a device. */
    String name();

    boolean onDevice();

    /** What else can be read off while it runs, by the name of its metric. */
    Map<String, LongSupplier> gauges();

    @Override
    void close();
}
