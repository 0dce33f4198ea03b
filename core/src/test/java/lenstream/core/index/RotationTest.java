package lenstream.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RotationTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8, 384, 512, 768, 1152})
    void productsStayAndTheWayBackIsKnown(int dim) {
        var random = new Random(dim);
        float[] a = vector(random, dim);
        float[] b = vector(random, dim);
        assertThat(Cosine.dot(Rotation.of(a), Rotation.of(b))).isCloseTo(Cosine.dot(a, b), within(1e-3));
        float[] back = Rotation.back(Rotation.of(a));
        for (int i = 0; i < dim; i++) {
            assertThat(back[i]).isCloseTo(a[i], within(1e-5f));
        }
    }

    /** One value becomes many of like size: the largest of 384 normal ones is three times their mean square. */
    @ParameterizedTest
    @ValueSource(ints = {0, 127, 200, 383})
    void whatStandsOutIsSpread(int dimension) {
        var vector = new float[384];
        vector[dimension] = 1;
        float largest = 0;
        for (float value : Rotation.of(vector)) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest * Math.sqrt(384)).isLessThan(5);
    }

    /** Part of the format of byte indices: a program that made others could not search what is there. */
    @Test
    void theCodesOfAVectorNeverChange() {
        float[] codes = Quantisation.BYTE.values(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
        assertThat(codes).containsExactly(127, -106, -19, 127, 5, 82, -40, 117, -53, -77);
    }

    private static float[] vector(Random random, int dim) {
        var vector = new float[dim];
        for (int i = 0; i < dim; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return vector;
    }
}
