package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every image of {@code golden/decode} comes out as Pillow 12.0.0 decodes it; the limits are the README's table. */
final class DecodeGoldenTest {
    private final HostImageDecoder decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);

    /** Largest difference of a sample that is allowed; all but AVIF and lossy JPEG 2000 are equal in every byte. */
    private static int limit(String file) {
        if (!file.endsWith(".avif")) {
            return file.equals("jp2-lossy.jp2") ? 1 : 0;
        }
        // chroma is upsampled in floating point here and in 6-bit fixed point by libyuv there
        return file.equals("avif-444.avif") ? 1 : file.equals("avif-gray.avif") ? 0 : 7;
    }

    @TestFactory
    List<DynamicTest> pixelsAreThoseOfPillow() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        for (String line : Files.readAllLines(Images.DIRECTORY.resolve("index.tsv"))) {
            if (!line.startsWith("#")) {
                String[] fields = line.split("\t");
                tests.add(DynamicTest.dynamicTest(fields[0], () -> check(fields)));
            }
        }
        assertThat(tests).hasSizeGreaterThan(90);
        return tests;
    }

    private void check(String[] fields) throws IOException {
        byte[] expected;
        try (var in = new InflaterInputStream(Files.newInputStream(Images.DIRECTORY.resolve(fields[4])))) {
            expected = in.readAllBytes();
        }
        Decoded decoded = decoder.decode(Images.direct(Images.read(fields[0])));
        assertThat(decoded).isInstanceOf(Decoded.Image.class);
        var image = (Decoded.Image) decoded;
        try (Pixels pixels = image.pixels()) {
            assertThat(pixels.width()).isEqualTo(Integer.parseInt(fields[1]));
            assertThat(pixels.height()).isEqualTo(Integer.parseInt(fields[2]));
            assertThat(image.frames()).isEqualTo(Integer.parseInt(fields[3]));
            int largest = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs((pixels.rgbView()[i] & 0xFF) - (expected[i] & 0xFF)));
            }
            assertThat(largest).isLessThanOrEqualTo(limit(fields[0]));
        }
    }
}
