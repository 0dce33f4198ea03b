package lenstream.gpu.pipeline;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
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
     * Embeds an image, or a region of it, for somebody who waits.
     *
     * @throws ImageRejectedException if the image cannot be decoded or embedded
     * @throws IllegalArgumentException if the region lies outside the image
     */
    QueryImage query(byte[] encoded, @Nullable Region region) throws ImageRejectedException;

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
