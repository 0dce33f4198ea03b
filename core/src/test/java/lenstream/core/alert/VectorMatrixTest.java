package lenstream.core.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import lenstream.core.index.Cosine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorMatrixTest {
    /** What a byte a value may lose of a unit vector of few dimensions, whose values are large. */
    private static final double NEARLY = 0.02;

    /** Dimensions that four divides and does not; counts around the block's edges. */
    @ParameterizedTest
    @CsvSource({"384,1", "384,511", "384,512", "7,513", "3,1500", "1,700"})
    void everyPairThatIsNearEnoughIsFoundAndFewThatAreNot(int dim, int count) {
        var random = new SplittableRandom(dim * 31L + count);
        var matrix = new VectorMatrix(dim);
        var vectors = new ArrayList<float[]>();
        var bounds = new ArrayList<Double>();
        for (int i = 0; i < count; i++) {
            vectors.add(Images.unit(dim, random));
            bounds.add(random.nextDouble() * 0.2 - 0.1);
            matrix.set(i, vectors.get(i), bounds.get(i));
        }
        // replaced and taken out again, as alerts come and go
        for (int i = 0; i < count / 3; i++) {
            int slot = random.nextInt(vectors.size());
            if (random.nextBoolean()) {
                vectors.set(slot, Images.unit(dim, random));
                bounds.set(slot, random.nextDouble() * 0.2 - 0.1);
                matrix.set(slot, vectors.get(slot), bounds.get(slot));
            } else {
                matrix.remove(slot);
                float[] last = vectors.removeLast();
                double its = bounds.removeLast();
                if (slot < vectors.size()) {
                    vectors.set(slot, last);
                    bounds.set(slot, its);
                }
            }
        }
        assertThat(matrix.size()).isEqualTo(vectors.size());
        List<float[]> queries =
                IntStream.range(0, 5).mapToObj(i -> Images.unit(dim, random)).toList();

        var found = new TreeSet<String>();
        matrix.forEachNear(queries, (query, slot) -> found.add(query + " " + slot));

        for (int q = 0; q < queries.size(); q++) {
            for (int slot = 0; slot < vectors.size(); slot++) {
                double product = Cosine.dot(queries.get(q), vectors.get(slot));
                if (product >= bounds.get(slot)) {
                    assertThat(found).contains(q + " " + slot);
                } else if (product < bounds.get(slot) - NEARLY) {
                    assertThat(found).doesNotContain(q + " " + slot);
                }
            }
        }
    }

    @Test
    void aVectorMeetsItselfAtTheHighestBoundAndZeroMeetsNothing() {
        var random = new SplittableRandom(7);
        var matrix = new VectorMatrix(384);
        float[] vector = Images.unit(384, random);
        matrix.set(0, vector, Cosine.dot(vector, vector));
        matrix.set(1, new float[384], 0.1);
        var found = new ArrayList<Integer>();
        matrix.forEachNear(List.of(vector), (query, slot) -> found.add(slot));
        assertThat(found).containsExactly(0);
    }
}
