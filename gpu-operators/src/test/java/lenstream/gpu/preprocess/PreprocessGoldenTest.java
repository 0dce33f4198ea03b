package lenstream.gpu.preprocess;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import lenstream.core.image.ImageId;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.decode.PixelSamples;
import lenstream.gpu.decode.Pixels;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every mode, filter and rounding is equal in every byte to Pillow 12.0.0; see {@code golden/make_preprocess.py}. */
final class PreprocessGoldenTest {
    private static final Path INDEX = Path.of("src/test/resources/golden/preprocess/index.tsv");

    @TestFactory
    List<DynamicTest> bytesAreThoseOfPillow() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        for (String line : Files.readAllLines(INDEX)) {
            if (!line.startsWith("#")) {
                String[] fields = line.split("\t");
                String name = String.join(" ", List.of(fields).subList(0, 7));
                tests.add(DynamicTest.dynamicTest(name, () -> check(fields)));
            }
        }
        assertThat(tests).hasSizeGreaterThan(300);
        return tests;
    }

    private static void check(String[] fields) {
        var rules =
                rules(fields[0], fields[1], fields[2], fields[3], Integer.parseInt(fields[4]), List.of(0.5, 0.5, 0.5));
        int width = Integer.parseInt(fields[5]);
        int height = Integer.parseInt(fields[6]);
        try (var preprocessor = new HostPreprocessor(rules);
                Pixels pixels = PixelSamples.of(noise(width, height, Long.parseLong(fields[7])), width, height)) {
            assertThat(ImageId.sha256(preprocessor.resized(pixels))).isEqualTo(fields[8]);
        }
    }

    @Test
    void samplesBecomePlanesOfNormalisedFloats() {
        var rules = rules("squash", "bicubic", "floor", "half_even", 2, List.of(0.1, 0.2, 0.3));
        byte[] rgb = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, (byte) 255, 11};
        try (var allocator = new RootAllocator();
                var preprocessor = new HostPreprocessor(rules);
                HostTensor tensor = HostTensor.allocate(allocator, 2, 2);
                Pixels pixels = PixelSamples.of(rgb, 2, 2)) {
            preprocessor.apply(pixels, tensor, 1);
            for (int channel = 0; channel < 3; channel++) {
                for (int i = 0; i < 4; i++) {
                    double expected = ((rgb[3 * i + channel] & 0xFF) / 255.0 - 0.1 * (channel + 1)) / 0.25;
                    assertThat(tensor.rowView(1).get(4 * channel + i)).isCloseTo((float) expected, byDistance());
                }
            }
        }
    }

    private static org.assertj.core.data.Offset<Float> byDistance() {
        return org.assertj.core.data.Offset.offset(1e-6f);
    }

    private static Preprocessing rules(
            String mode, String interpolation, String longer, String rounding, int size, List<Double> mean) {
        return new Preprocessing(
                Preprocessing.Orientation.APPLY,
                Preprocessing.Alpha.WHITE,
                Preprocessing.ChannelOrder.RGB,
                size,
                Preprocessing.ResizeMode.valueOf(mode.toUpperCase(Locale.ROOT)),
                Preprocessing.LongerSide.valueOf(longer.toUpperCase(Locale.ROOT)),
                Preprocessing.Interpolation.valueOf(interpolation.toUpperCase(Locale.ROOT)),
                true,
                Preprocessing.Crop.CENTER,
                Preprocessing.CropRounding.valueOf(rounding.toUpperCase(Locale.ROOT)),
                1 / 255.0,
                mean,
                List.of(0.25, 0.25, 0.25));
    }

    /** The generator of {@code make_preprocess.py}. */
    private static byte[] noise(int width, int height, long seed) {
        var samples = new byte[width * height * 3];
        int state = (int) seed;
        for (int i = 0; i < samples.length; i++) {
            state = 1_664_525 * state + 1_013_904_223;
            samples[i] = (byte) (state >>> 24);
        }
        for (int y = 0; y < height; y++) {
            if (y / 8 % 2 == 1) {
                for (int x = 0; x < width * 3; x++) {
                    samples[y * width * 3 + x] = (byte) (x / 3 * 3 + y * 2);
                }
            }
        }
        return samples;
    }
}
