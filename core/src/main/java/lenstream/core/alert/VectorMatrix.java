package lenstream.core.alert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Many vectors of equal length, multiplied with a query at once.
 *
 * <p>Vectors lie side by side in blocks of {@value #BLOCK}: a block keeps one array a dimension, with that dimension's
 * value of each of its vectors. The product of a query with a block is then a sum of scaled arrays, a loop without a
 * reduction, which the JIT compiler makes vector instructions of (a plain dot product it does not: the order of a sum of
 * floats is fixed). Four dimensions are added in one pass, so that the sums are loaded and stored a quarter as often. A
 * block of 384 dimensions takes 768 KiB and stays in the second-level cache while the queries of a batch pass by.
 *
 * <p>Slots are numbered from 0 without gaps. Confined to one thread.
 */
final class VectorMatrix {
    static final int BLOCK = 512;

    private final int dim;
    /** Values by block, dimension and vector. */
    private final List<float[][]> blocks = new ArrayList<>();

    private final float[] products = new float[BLOCK];
    private int size;

    VectorMatrix(int dim) {
        this.dim = dim;
    }

    /** Gets each product that is large enough. */
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

    /** Puts a vector into a slot: an occupied one, or the next free one. */
    void set(int slot, float[] vector) {
        if (vector.length != dim) {
            throw new IllegalArgumentException("a vector of " + vector.length + " values in a matrix of " + dim);
        }
        if (slot == blocks.size() * BLOCK) {
            blocks.add(new float[dim][BLOCK]);
        }
        float[][] block = blocks.get(slot / BLOCK);
        for (int d = 0; d < dim; d++) {
            block[d][slot % BLOCK] = vector[d];
        }
        size = Math.max(size, slot + 1);
    }

    /** Takes a vector out; the last one moves to its slot. */
    void remove(int slot) {
        int last = size - 1;
        float[][] from = blocks.get(last / BLOCK);
        float[][] to = blocks.get(slot / BLOCK);
        for (int d = 0; d < dim; d++) {
            to[d][slot % BLOCK] = from[d][last % BLOCK];
            from[d][last % BLOCK] = 0;
        }
        size = last;
        if (last % BLOCK == 0) {
            blocks.removeLast();
        }
    }

    /**
     * Every pair of query and vector whose product is at least the vector's bound, in float precision: a bound must allow
     * for rounding.
     *
     * @param bounds by slot, at least as many as there are vectors
     */
    void forEachAbove(List<float[]> queries, float[] bounds, Found found) {
        for (int b = 0; b < blocks.size(); b++) {
            float[][] block = blocks.get(b);
            int first = b * BLOCK;
            int count = Math.min(BLOCK, size - first);
            for (int q = 0; q < queries.size(); q++) {
                multiply(queries.get(q), block);
                for (int j = 0; j < count; j++) {
                    if (products[j] >= bounds[first + j]) {
                        found.accept(q, first + j);
                    }
                }
            }
        }
    }

    private void multiply(float[] query, float[][] block) {
        Arrays.fill(products, 0);
        int d = 0;
        for (; d + 3 < dim; d += 4) {
            add(
                    products,
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
            add(products, query[d], block[d]);
        }
    }

    private static void add(
            float[] sums, float a0, float[] m0, float a1, float[] m1, float a2, float[] m2, float a3, float[] m3) {
        for (int j = 0; j < BLOCK; j++) {
            sums[j] += a0 * m0[j] + a1 * m1[j] + a2 * m2[j] + a3 * m3[j];
        }
    }

    private static void add(float[] sums, float a, float[] m) {
        for (int j = 0; j < BLOCK; j++) {
            sums[j] += a * m[j];
        }
    }
}
