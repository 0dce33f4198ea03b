package lenstream.gpu.preprocess;

import lenstream.gpu.decode.Pixels;

/**
 * Resizes, crops and normalises pixels for an image tower.
 *
 * <p>In: 8-bit RGB, interleaved, any size ≥ 1x1. Out: one row of float32, NCHW, {@code (x * scale - mean) / std}.
 */
public interface Preprocessor extends AutoCloseable {

    /** Side of the square that comes out, pixels. */
    int size();

    /** Writes the pixels, which are borrowed, into a row of {@code target}. */
    void apply(Pixels pixels, HostTensor target, int row);

    @Override
    void close();
}
