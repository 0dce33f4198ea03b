package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the CPU has read of an image and found sound, on the heap; what is left is arithmetic without a choice, for a device. Stored
 * orientation. Whoever receives it owns it and closes it, which hands the array back; confined to one thread at a time.
 */
public sealed interface Unfinished extends AutoCloseable {
    int width();

    int height();

    /** Bytes that a device has to get. */
    int bytes();

    @Override
    void close();

    /**
     * A PNG whose filters are not undone yet.
     *
     * @param samples rows of a filter, 0 to 4, and {@code width * channels} differences; the array may be longer
     * @param channels 3 for RGB, 4 for RGBA
     * @param ground what becomes of transparent pixels
     */
    record Png(byte[] samples, int width, int height, int channels, Ground ground, PixelPool pool)
            implements Unfinished {
        @Override
        public int bytes() {
            return height * (1 + width * channels);
        }

        @Override
        public void close() {
            pool.give(samples);
        }
    }

    /**
     * The coefficients of a JPEG, not yet multiplied by their quantisers: 64 a block in zigzag order, luma's blocks row by row,
     * then those of each chroma. The lowest bits of those that are not zero may lie beside them: a bit that is set there is added
     * to what a coefficient amounts to, the highest bit first.
     *
     * @param coefficients the array may be longer; this one and the next
     * @param corrections from the lowest bit on, a mask a block, whose highest bit is for coefficient 0
     * @param correctedBits of how many bits there are masks
     * @param components 1 for gray, 3 for YCbCr
     * @param wide luma samples a chroma sample, across; 1 or 2
     * @param tall luma samples a chroma sample, down; 1 or 2
     * @param lumaColumns blocks, up to whole units; the others too
     * @param quantisers by component, 64 values in zigzag order
     */
    record Jpeg(
            short[] coefficients,
            long[] corrections,
            int correctedBits,
            int width,
            int height,
            int components,
            int wide,
            int tall,
            int lumaColumns,
            int lumaRows,
            int chromaColumns,
            int chromaRows,
            byte[][] quantisers,
            CoefficientArrays arrays)
            implements Unfinished {
        /** Blocks of all components. */
        public int blocks() {
            return lumaColumns * lumaRows + (components == 1 ? 0 : 2 * chromaColumns * chromaRows);
        }

        @Override
        public int bytes() {
            return (2 * 64 + 8 * correctedBits) * blocks();
        }

        /** Puts down coefficients, then corrections, in the machine's order. */
        public void copyTo(ByteBuffer to) {
            int at = to.position();
            int bytes = 2 * 64 * blocks();
            to.order(ByteOrder.nativeOrder());
            to.asShortBuffer().put(coefficients, 0, 64 * blocks());
            to.position(at + bytes);
            to.asLongBuffer().put(corrections, 0, correctedBits * blocks());
        }

        @Override
        public void close() {
            arrays.give(coefficients, corrections);
        }
    }
}
