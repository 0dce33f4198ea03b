package lenstream.core.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import lenstream.core.index.Cosine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorMatrixTest {
    private static final float ROUNDING = 1e-5f;

    /** Dimensions that four divides and does not; counts around the block's edges. */
    @ParameterizedTest
    @CsvSource({"384,1", "384,511", "384,512", "7,513", "3,1500", "1,700"})
    void theProductIsThatOfEveryPair(int dim, int count) {
        var random = new SplittableRandom(dim * 31L + count);
        var matrix = new VectorMatrix(dim);
        var vectors = new ArrayList<float[]>();
        var bounds = new float[count];
        for (int i = 0; i < count; i++) {
            vectors.add(Images.unit(dim, random));
            matrix.set(i, vectors.get(i));
            bounds[i] = (float) (random.nextDouble() * 0.2 - 0.1);
        }
        // replaced and taken out again, as alerts come and go
        for (int i = 0; i < count / 3; i++) {
            int slot = random.nextInt(vectors.size());
            if (random.nextBoolean()) {
                vectors.set(slot, Images.unit(dim, random));
                matrix.set(slot, vectors.get(slot));
            } else {
                matrix.remove(slot);
                float[] last = vectors.removeLast();
                if (slot < vectors.size()) {
                    vectors.set(slot, last);
                }
            }
        }
        assertThat(matrix.size()).isEqualTo(vectors.size());
        List<float[]> queries =
                IntStream.range(0, 5).mapToObj(i -> Images.unit(dim, random)).toList();

        var found = new TreeSet<String>();
        matrix.forEachAbove(queries, bounds, (query, slot) -> found.add(query + " " + slot));

        for (int q = 0; q < queries.size(); q++) {
            for (int slot = 0; slot < vectors.size(); slot++) {
                double product = Cosine.dot(queries.get(q), vectors.get(slot));
                if (Math.abs(product - bounds[slot]) > ROUNDING) {
                    assertThat(found.contains(q + " " + slot)).isEqualTo(product > bounds[slot]);
                }
            }
        }
    }
}
