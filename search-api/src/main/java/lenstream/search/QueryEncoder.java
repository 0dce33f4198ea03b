package lenstream.search;

import java.util.List;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.search.http.ProblemException;
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

    /**
     * The vector of a text, unit length. Longer texts are truncated.
     *
     * @throws IllegalArgumentException for blank text
     */
    float[] embedText(String text);

    /** Number of tokens that {@link #embedText} reads of a text. */
    int tokens(String text);

    /**
     * The vector of an encoded image, unit length.
     *
     * @param region the part to embed; null for all of it
     * @throws UnreadableImageException if it is no image, a broken one, or beyond the limits
     */
    float[] embedImage(byte[] encoded, @Nullable Region region) throws UnreadableImageException;

    /** Side of the square that the image tower sees, pixels. */
    int imageSize();

    /**
     * The vectors of preprocessed images, unit length.
     *
     * @param values finite; {@code [n, 3, size, size]}, row by row, as the bundle's preprocessing makes them
     * @throws ProblemException if the encoder makes no usable vector of them
     */
    List<float[]> embedTensors(float[] values);

    @Override
    void close();
}
