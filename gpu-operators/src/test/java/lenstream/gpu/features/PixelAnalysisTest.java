package lenstream.gpu.features;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntBinaryOperator;
import lenstream.core.image.PixelFeatures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PixelAnalysisTest {
    @ParameterizedTest
    @CsvSource({
        "000000, black", "ffffff, white", "808080, gray", "d01818, red", "f08020, orange", "6b4423, brown",
        "f5e020, yellow", "208030, green", "10a0a0, teal", "2040c0, blue", "7020a0, purple", "f060b0, pink"
    })
    void aPlainPictureHasItsColorAndNoHash(String hex, String name) {
        int rgb = Integer.parseInt(hex, 16);
        PixelFeatures features = PixelAnalysis.of(picture(20, 10, (x, y) -> rgb), 20, 10);
        assertThat(features.colors()).containsExactly(name);
        assertThat(features.colorHex()).isEqualTo("#" + hex);
        assertThat(features.perceptualHash()).as("nothing to tell it apart by").isNull();
    }

    @Test
    void theLargestShareComesFirstAndAccentsAreLeftOut() {
        byte[] rgb = picture(100, 100, (x, y) -> y < 60 ? 0x2040c0 : y < 95 ? 0x208030 : 0xd01818);
        PixelFeatures features = PixelAnalysis.of(rgb, 100, 100);
        assertThat(features.colors()).containsExactly("blue", "green");
        assertThat(features.colorHex()).isEqualTo("#2040c0");
    }

    @Test
    void theHashSurvivesScalingAndBrightnessAndTellsPicturesApart() {
        Long hash = hash(1, 200, 150, 1, 0);
        assertThat(distance(hash, hash(1, 100, 75, 1, 0))).as("half the size").isLessThanOrEqualTo(4);
        assertThat(distance(hash, hash(1, 200, 150, 0.8, 20)))
                .as("brighter, flatter")
                .isLessThanOrEqualTo(2);
        for (int other = 2; other < 30; other++) {
            assertThat(distance(hash, hash(other, 200, 150, 1, 0))).isGreaterThan(10);
        }
    }

    /** These pictures have few frequencies, so many bits next to the median; photographs are in PERFORMANCE.md. */
    @Test
    void theHashOfAMirrorImageIsKnownWithoutIt() {
        int sum = 0;
        for (int seed = 1; seed < 30; seed++) {
            byte[] rgb = waves(seed, 200, 150, 1, 0);
            var turned = new byte[rgb.length];
            for (int i = 0; i < 200 * 150; i++) {
                int from = i / 200 * 200 + 199 - i % 200;
                System.arraycopy(rgb, from * 3, turned, i * 3, 3);
            }
            Long hash = PixelAnalysis.of(rgb, 200, 150).perceptualHash();
            Long mirrored = PixelAnalysis.of(turned, 200, 150).perceptualHash();
            assertThat(hash).isNotNull();
            assertThat(mirrored).isNotNull();
            sum += distance(PixelFeatures.mirrored(hash), mirrored);
            assertThat(distance(hash, mirrored)).isGreaterThan(10);
        }
        assertThat(sum / 29.0).isLessThan(5);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 300", "300, 1", "5, 7", "31, 33", "256, 171"})
    void everySizeHasFeatures(int width, int height) {
        byte[] rgb = picture(width, height, (x, y) -> (x * 7 + y * 13) % 256 * 0x010101);
        byte[] longer = Arrays.copyOf(rgb, rgb.length + 100);
        assertThat(PixelAnalysis.of(longer, width, height)).isEqualTo(PixelAnalysis.of(rgb, width, height));
    }

    /** The hash of a smooth picture that is made of eight waves. */
    private static Long hash(int seed, int width, int height, double gain, int offset) {
        Long hash = PixelAnalysis.of(waves(seed, width, height, gain, offset), width, height)
                .perceptualHash();
        assertThat(hash).isNotNull();
        return hash;
    }

    private static byte[] waves(int seed, int width, int height, double gain, int offset) {
        var random = new SplittableRandom(seed);
        double[][] waves = new double[8][];
        for (int i = 0; i < waves.length; i++) {
            waves[i] = new double[] {random.nextDouble(12), random.nextDouble(12), random.nextDouble(6)};
        }
        return picture(width, height, (x, y) -> {
            double sum = 0;
            for (double[] wave : waves) {
                sum += Math.sin(wave[0] * (x + 0.5) / width + wave[1] * (y + 0.5) / height + wave[2]);
            }
            return (int) Math.clamp((128 + 15 * sum) * gain + offset, 0, 255) * 0x010101;
        });
    }

    private static int distance(Long a, Long b) {
        return Long.bitCount(a ^ b);
    }

    private static byte[] picture(int width, int height, IntBinaryOperator color) {
        var rgb = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++) {
            int value = color.applyAsInt(i % width, i / width);
            rgb[3 * i] = (byte) (value >> 16);
            rgb[3 * i + 1] = (byte) (value >> 8);
            rgb[3 * i + 2] = (byte) value;
        }
        return rgb;
    }
}
