package lenstream.core.index;

/**
 * Conversion between a cosine and the score that OpenSearch gives for space type {@code innerproduct} on unit vectors:
 * {@code 1 + ip} for {@code ip ≥ 0}, else {@code 1 / (1 - ip)}. Source: Lucene's MAXIMUM_INNER_PRODUCT similarity.
 */
public final class Cosine {
    private Cosine() {}

    /** The cosine of a hit, from its score. */
    public static double ofScore(double score) {
        return score >= 1 ? score - 1 : 1 - 1 / score;
    }

    /** The score that a cosine gives. */
    public static double toScore(double cosine) {
        return cosine >= 0 ? 1 + cosine : 1 / (1 - cosine);
    }

    /** The inner product of two vectors of equal length, in double precision. */
    public static double dot(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException("vectors of " + a.length + " and " + b.length + " values");
        }
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
