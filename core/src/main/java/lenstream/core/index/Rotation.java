package lenstream.core.index;

import java.util.SplittableRandom;

/**
 * A fixed rotation of vectors, the same in every program and for ever: it spreads what stands out in a few dimensions over
 * all of them, so that a step that is fine enough for the largest value is fine enough for the others, too. Products and
 * lengths stay as they are.
 *
 * <p>Four rounds; each turns the signs of random dimensions and then takes a Walsh-Hadamard transform of the longest run of
 * dimensions that is a power of two, in turn the first and the last such run, so that all dimensions mix whatever their
 * number. Source: the structured rotations of Ailon and Chazelle (2009) and Andoni et al., "Practical and Optimal LSH for
 * Angular Distance" (2015), section 4. Costs about 4 d log d additions; needs no matrix.
 */
final class Rotation {
    private static final int ROUNDS = 4;

    /** Part of the format of byte indices: another one makes other codes. */
    private static final long SEED = 0x6c656e7373747265L;

    private Rotation() {}

    /** A rotated copy. */
    static float[] of(float[] vector) {
        float[] turned = vector.clone();
        boolean[][] signs = signs(vector.length);
        for (int round = 0; round < ROUNDS; round++) {
            flip(turned, signs[round]);
            hadamard(turned, round);
        }
        return turned;
    }

    /** The vector whose rotation this is. */
    static float[] back(float[] turned) {
        float[] vector = turned.clone();
        boolean[][] signs = signs(turned.length);
        for (int round = ROUNDS - 1; round >= 0; round--) {
            hadamard(vector, round); // its own inverse
            flip(vector, signs[round]);
        }
        return vector;
    }

    private static boolean[][] signs(int dim) {
        var random = new SplittableRandom(SEED);
        var signs = new boolean[ROUNDS][dim];
        for (boolean[] round : signs) {
            for (int i = 0; i < dim; i++) {
                round[i] = random.nextBoolean();
            }
        }
        return signs;
    }

    private static void flip(float[] values, boolean[] signs) {
        for (int i = 0; i < values.length; i++) {
            if (signs[i]) {
                values[i] = -values[i];
            }
        }
    }

    private static void hadamard(float[] values, int round) {
        int length = Integer.highestOneBit(values.length);
        int from = round % 2 == 0 ? 0 : values.length - length;
        for (int step = 1; step < length; step *= 2) {
            for (int block = from; block < from + length; block += 2 * step) {
                for (int i = block; i < block + step; i++) {
                    float sum = values[i] + values[i + step];
                    values[i + step] = values[i] - values[i + step];
                    values[i] = sum;
                }
            }
        }
        float scale = (float) (1 / Math.sqrt(length));
        for (int i = from; i < from + length; i++) {
            values[i] *= scale;
        }
    }
}
