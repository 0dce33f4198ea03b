package lenstream.bench;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Unit vectors in clusters whose neighbours are not trivial, as embeddings of images have them: topics, within each topic
 * subjects, within each subject images. The offset of a subject and of an image has a falling spectrum (the i-th direction
 * has weight {@code i^-0.5}), turned differently in each topic, so that a few dozen directions hold most of it; its length
 * is drawn per image, so that clusters have dense middles and thin rims and overlap there. Queries are drawn from the same
 * mixture and are not in the set. Deterministic by its seed.
 */
final class VectorMixture {
    private static final int TOPICS = 50;
    private static final int SUBJECTS = 20;
    private static final double SUBJECT_SPREAD = 0.7;
    private static final double IMAGE_SPREAD = 0.45;

    private final int dim;
    private final float[][] topics;
    private final float[][] subjects;
    private final int[][] turns;
    private final Random random;

    VectorMixture(int dim, long seed) {
        this.dim = dim;
        this.random = new Random(seed);
        this.topics = new float[TOPICS][];
        this.turns = new int[TOPICS][];
        this.subjects = new float[TOPICS * SUBJECTS][];
        for (int topic = 0; topic < TOPICS; topic++) {
            topics[topic] = new float[dim];
            for (int i = 0; i < dim; i++) {
                topics[topic][i] = (float) random.nextGaussian();
            }
            normalise(topics[topic]);
            turns[topic] = random.ints(dim, 0, dim).toArray();
            for (int subject = 0; subject < SUBJECTS; subject++) {
                subjects[topic * SUBJECTS + subject] = near(topics[topic], turns[topic], SUBJECT_SPREAD);
            }
        }
    }

    /** The next vectors of the stream. */
    float[][] next(int count) {
        var vectors = new float[count][];
        for (int i = 0; i < count; i++) {
            int subject = random.nextInt(subjects.length);
            double spread = IMAGE_SPREAD * (0.5 + random.nextDouble());
            vectors[i] = near(subjects[subject], turns[subject / SUBJECTS], spread);
        }
        return vectors;
    }

    /** The positions of the k vectors of the greatest inner product with each query, best first; exact. */
    static int[][] exact(float[][] vectors, float[][] queries, int k) {
        return IntStream.range(0, queries.length)
                .parallel()
                .mapToObj(q -> nearest(vectors, queries[q], k))
                .toArray(int[][]::new);
    }

    private static int[] nearest(float[][] vectors, float[] query, int k) {
        var best = new int[k];
        var scores = new float[k];
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        for (int v = 0; v < vectors.length; v++) {
            float score = dot(vectors[v], query);
            if (score > scores[k - 1]) {
                int at = k - 1;
                while (at > 0 && scores[at - 1] < score) {
                    scores[at] = scores[at - 1];
                    best[at] = best[at - 1];
                    at--;
                }
                scores[at] = score;
                best[at] = v;
            }
        }
        return best;
    }

    private static float dot(float[] a, float[] b) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        for (int i = 0; i + 3 < a.length; i += 4) {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
        }
        return s0 + s1 + s2 + s3;
    }

    private float[] near(float[] centre, int[] turn, double spread) {
        var offset = new float[dim];
        double sum = 0;
        for (int i = 0; i < dim; i++) {
            double value = random.nextGaussian() / Math.sqrt(i + 1.0);
            offset[turn[i]] += (float) (random.nextBoolean() ? value : -value);
            sum += value * value;
        }
        var vector = new float[dim];
        float scale = (float) (spread / Math.sqrt(sum));
        for (int i = 0; i < dim; i++) {
            vector[i] = centre[i] + offset[i] * scale;
        }
        normalise(vector);
        return vector;
    }

    private static void normalise(float[] vector) {
        double sum = 0;
        for (float value : vector) {
            sum += (double) value * value;
        }
        float length = (float) Math.sqrt(sum);
        for (int i = 0; i < vector.length; i++) {
            vector[i] /= length;
        }
    }
}
