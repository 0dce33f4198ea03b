package lenstream.core.alert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Many vectors of equal length, each with a least inner product, multiplied with a query at once.
 *
 * <p>Vectors lie side by side in blocks of {@value #BLOCK}: a block keeps one array a dimension, with that dimension's
 * value of each of its vectors. The product of a query with a block is then a sum of scaled arrays, a loop without a
 * reduction, which the JIT compiler makes vector instructions of (a plain dot product it does not: the order of a sum of
 * floats is fixed). Four dimensions are added in one pass, so that the sums are loaded and stored a quarter as often.
 *
 * <p>Values are kept as bytes, by a scale of each vector's own: ten thousand vectors of 384 values then take 4 MB, which a
 * single query reads from memory in half the time that floats take, and a block fits into the second-level cache. What
 * that loses is known: the product is off by no more than the length of what was rounded away (Cauchy-Schwarz), and by so
 * much the bound is lower. So every pair is found that has its product, and a few that nearly have: the caller computes
 * those again.
 *
 * <p>Slots are numbered from 0 without gaps. Confined to one thread.
 */
final class VectorMatrix {
    static final int BLOCK = 512;

    /** Sums of some thousand floats of at most this length are this exact. */
    private static final double ROUNDING = 1e-5;
    /** A query is of unit length within this. */
    private static final double LENGTH = 1.001;

    private final int dim;
    private final List<Block> blocks = new ArrayList<>();
    private final float[] sums = new float[BLOCK];
    private int size;

    /** Values by dimension and vector, and the least sum that may be a product which is large enough. */
    private record Block(byte[][] values, float[] bounds) {}

    VectorMatrix(int dim) {
        this.dim = dim;
    }

    /** Gets each pair that is near enough. */
    @FunctionalInterface
    interface Found {
        /**
         * @param query its place among the queries
         * @param slot of the vector
         */
        void accept(int query, int slot);
    }

    int size() {
        return size;
    }

    /**
     * Puts a vector into a slot: an occupied one, or the next free one.
     *
     * @param least inner product with a query that is near enough
     */
    void set(int slot, float[] vector, double least) {
        if (vector.length != dim) {
            throw new IllegalArgumentException("a vector of " + vector.length + " values in a matrix of " + dim);
        }
        if (slot == blocks.size() * BLOCK) {
            blocks.add(new Block(new byte[dim][BLOCK], new float[BLOCK]));
        }
        float greatest = 0;
        for (float value : vector) {
            greatest = Math.max(greatest, Math.abs(value));
        }
        double scale = greatest == 0 ? 1 : greatest / (double) Byte.MAX_VALUE;
        double lost = 0;
        Block block = blocks.get(slot / BLOCK);
        for (int d = 0; d < dim; d++) {
            byte kept = (byte) Math.round(vector[d] / scale);
            block.values[d][slot % BLOCK] = kept;
            double off = vector[d] - kept * scale;
            lost += off * off;
        }
        block.bounds[slot % BLOCK] = (float) ((least - ROUNDING - LENGTH * Math.sqrt(lost)) / scale);
        size = Math.max(size, slot + 1);
    }

    /** Takes a vector out; the last one moves to its slot. */
    void remove(int slot) {
        int last = size - 1;
        Block from = blocks.get(last / BLOCK);
        Block to = blocks.get(slot / BLOCK);
        for (int d = 0; d < dim; d++) {
            to.values[d][slot % BLOCK] = from.values[d][last % BLOCK];
        }
        to.bounds[slot % BLOCK] = from.bounds[last % BLOCK];
        size = last;
        if (last % BLOCK == 0) {
            blocks.removeLast();
        }
    }

    /**
     * Every pair of query and vector whose inner product is at least the vector's, and some whose is a little less.
     *
     * @param queries of unit length
     */
    void forEachNear(List<float[]> queries, Found found) {
        for (int b = 0; b < blocks.size(); b++) {
            Block block = blocks.get(b);
            int first = b * BLOCK;
            int count = Math.min(BLOCK, size - first);
            for (int q = 0; q < queries.size(); q++) {
                multiply(queries.get(q), block.values);
                for (int j = 0; j < count; j++) {
                    if (sums[j] >= block.bounds[j]) {
                        found.accept(q, first + j);
                    }
                }
            }
        }
    }

    private void multiply(float[] query, byte[][] block) {
        Arrays.fill(sums, 0);
        int d = 0;
        for (; d + 3 < dim; d += 4) {
            add(
                    sums,
                    query[d],
                    block[d],
                    query[d + 1],
                    block[d + 1],
                    query[d + 2],
                    block[d + 2],
                    query[d + 3],
                    block[d + 3]);
        }
        for (; d < dim; d++) {
            add(sums, query[d], block[d]);
        }
    }

    private static void add(
            float[] sums, float a0, byte[] m0, float a1, byte[] m1, float a2, byte[] m2, float a3, byte[] m3) {
        for (int j = 0; j < BLOCK; j++) {
            sums[j] += a0 * m0[j] + a1 * m1[j] + a2 * m2[j] + a3 * m3[j];
        }
    }

    private static void add(float[] sums, float a, byte[] m) {
        for (int j = 0; j < BLOCK; j++) {
            sums[j] += a * m[j];
        }
    }
}
