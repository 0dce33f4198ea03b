package lenstream.search;

import java.util.List;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.Relevance;
import lenstream.gpu.embed.Embedding;
import org.jspecify.annotations.Nullable;

/** Embeds queries into the space that the index was built with. Thread-safe; {@link #close} ends every method's use. */
public interface QueryEncoder extends AutoCloseable {
    /** The embedding space. */
    Fingerprint fingerprint();

    /** Name of the encoder, for people and for {@code /v1/models}. */
    String model();

    /** Length of the vectors. */
    int dim();

    /** Typical cosines of this encoder; null if they were not measured. */
    Encoder.@Nullable ScoreHint scoreHint();

    /** How to read this encoder's cosines. */
    default Relevance relevance() {
        return Relevance.of(null, scoreHint());
    }

    /** How texts may be put together. */
    Batching texts();

    /** How images may be put together. */
    Batching images();

    /**
     * How calls of a tower pay.
     *
     * @param most inputs of a call; 1 where batches would change the vectors
     * @param lanes calls that are worth having at once
     */
    record Batching(int most, int lanes) {}

    /**
     * The vectors of texts, unit length, at most {@code texts().most()} of them. Longer texts are truncated.
     *
     * @return in the order of the texts
     * @throws IllegalArgumentException for blank text
     */
    List<float[]> embedTexts(List<String> texts);

    /** The vector of one text; see {@link #embedTexts}. */
    default float[] embedText(String text) {
        return embedTexts(List.of(text)).getFirst();
    }

    /** Number of tokens that {@link #embedTexts} reads of a text. */
    int tokens(String text);

    /**
     * Reads an encoded image.
     *
     * @param region the part to embed; null for all of it
     * @return for {@link #embedImages}; the caller closes it
     * @throws UnreadableImageException if it is no image, a broken one, or beyond the limits
     */
    Prepared prepare(byte[] encoded, @Nullable Region region) throws UnreadableImageException;

    /** Side of the square that the image tower sees, pixels. */
    int imageSize();

    /**
     * An image that was preprocessed elsewhere.
     *
     * @param values finite; {@code [n, 3, size, size]}, row by row, as the bundle's preprocessing makes them; borrowed
     * @param row which of them
     * @return for {@link #embedImages}; the caller closes it
     */
    Prepared prepare(float[] values, int row);

    /** An image that is ready for the tower and holds a place there. */
    interface Prepared extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * The vectors of images that this encoder prepared, at most {@code images().most()} of them; closes none.
     *
     * @return one outcome an image, in the same order; vectors have unit length
     */
    List<Embedding> embedImages(List<Prepared> images);

    @Override
    void close();
}
