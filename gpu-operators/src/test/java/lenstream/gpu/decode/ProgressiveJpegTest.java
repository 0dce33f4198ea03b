package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_PROGRESSIVE;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_SAMPLING_FACTOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The coefficients of a progressive JPEG make the pixels that its decoder makes. */
final class ProgressiveJpegTest {
    private final ProgressiveJpeg progressive = new ProgressiveJpeg(new CoefficientArrays(2));
    private final HostImageDecoder decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);

    private byte[] pixels(byte[] image) {
        ByteBuffer direct = ByteBuffer.allocateDirect(image.length).put(image).flip();
        try (Pixels pixels = ((Decoded.Image) decoder.decode(direct)).pixels()) {
            return Arrays.copyOf(pixels.rgbView(), 3 * pixels.width() * pixels.height());
        }
    }

    private void checkSamePixels(byte[] image) {
        assertThat(ProgressiveJpeg.is(image)).isTrue();
        try (Unfinished.Jpeg read =
                Objects.requireNonNull(progressive.read(image), () -> "refused: " + progressive.refusal())) {
            assertThat(JpegReference.rgb(read)).isEqualTo(pixels(image));
        }
    }

    @Test
    void goldenImageKeepsItsPixels() throws IOException {
        checkSamePixels(Images.read("jpeg-progressive.jpg"));
    }

    /** Sizes around the edges of blocks and units, every sampling, coarse and fine quantisation, flat and noisy pictures. */
    @ParameterizedTest
    @ValueSource(strings = {"gray", "444", "422", "440", "420"})
    void everySamplingAndSizeKeepsItsPixels(String sampling) {
        var random = new Random(11);
        for (int quality : new int[] {1, 30, 75, 92, 100}) {
            for (int i = 0; i < 12; i++) {
                int width = 1 + random.nextInt(i < 6 ? 40 : 300);
                int height = 1 + random.nextInt(i < 6 ? 40 : 200);
                checkSamePixels(encode(picture(random, width, height, i % 4), sampling, quality, width, height));
            }
        }
    }

    private static byte[] picture(Random random, int width, int height, int kind) {
        var rgb = new byte[3 * width * height];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    int wave = (int) (127 + 120 * Math.sin((x * (c + 1) + y * 3) / 17.0));
                    rgb[3 * (y * width + x) + c] = (byte)
                            switch (kind) {
                                case 0 -> random.nextInt();
                                case 1 -> wave;
                                case 2 -> random.nextInt(20) == 0 ? 255 : 0;
                                default -> wave + random.nextInt(24) - 12;
                            };
                }
            }
        }
        return rgb;
    }

    private static byte[] encode(byte[] rgb, String sampling, int quality, int width, int height) {
        boolean gray = sampling.equals("gray");
        int factor = switch (sampling) {
            case "444" -> 0x111111;
            case "422" -> 0x211111;
            case "440" -> 0x121111;
            default -> 0x221111;
        };
        try (var image = new Mat(height, width, gray ? CV_8UC1 : CV_8UC3);
                var out = new BytePointer();
                var settings = new IntPointer(
                        IMWRITE_JPEG_QUALITY, quality,
                        IMWRITE_JPEG_PROGRESSIVE, 1,
                        IMWRITE_JPEG_SAMPLING_FACTOR, factor)) {
            image.data().put(rgb, 0, width * height * (gray ? 1 : 3));
            imencode(".jpg", image, out, settings);
            var encoded = new byte[(int) out.limit()];
            out.get(encoded);
            return encoded;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "jpeg-420.jpg, marker",
        "jpeg-arithmetic.jpg, marker",
        "jpeg-tiny.jpg, marker",
        "png-gray.png, start marker"
    })
    void refusesWhatIsNotProgressive(String name, String why) throws IOException {
        byte[] image = Images.read(name);
        assertThat(ProgressiveJpeg.is(image)).isFalse();
        assertThat(progressive.read(image)).isNull();
        assertThat(progressive.refusal()).contains(why);
    }

    @Test
    void refusesEveryCutOffImage() throws IOException {
        byte[] image = Images.read("jpeg-progressive.jpg");
        for (int length = 0; length < image.length; length++) {
            assertThat(progressive.read(Arrays.copyOf(image, length)))
                    .as("%d bytes", length)
                    .isNull();
        }
    }

    /** Cut between two scans, with an end marker put behind: whole, but not all bits of all coefficients. */
    @Test
    void refusesWhatWasNotSentToTheLastBit() throws IOException {
        byte[] image = Images.read("jpeg-progressive.jpg");
        int scans = 0;
        for (int at = 2; at + 1 < image.length; at++) {
            if (image[at] == (byte) 0xFF && image[at + 1] == (byte) 0xDA) {
                byte[] cut = Arrays.copyOf(image, at + 2);
                cut[at + 1] = (byte) 0xD9;
                assertThat(progressive.read(cut)).as("cut at byte %d", at).isNull();
                scans++;
            }
        }
        assertThat(scans).isGreaterThan(5);
    }

    /** Nothing but a refusal or sound coefficients come of broken ones; what comes is what the CPU's decoder sees too. */
    @Test
    void brokenImagesAreRefusedOrAsTheCpuSeesThem() throws IOException {
        var random = new Random(5);
        byte[][] seeds = {
            Images.read("jpeg-progressive.jpg"),
            encode(picture(random, 97, 61, 3), "420", 85, 97, 61),
            encode(picture(random, 50, 70, 1), "444", 95, 50, 70),
            encode(picture(random, 33, 47, 0), "gray", 60, 33, 47)
        };
        int taken = 0;
        int count = Integer.getInteger("lenstream.fuzz.images", 3000);
        for (int i = 0; i < count; i++) {
            byte[] broken = Mutation.of(seeds[i % seeds.length], random);
            try (Unfinished.Jpeg read = progressive.read(broken)) {
                if (read == null) {
                    assertThat(progressive.refusal()).isNotBlank();
                    continue;
                }
                taken++;
                if (decoder.decode(Images.direct(broken)) instanceof Decoded.Image seen) {
                    try (Pixels pixels = seen.pixels()) {
                        int length = 3 * pixels.width() * pixels.height();
                        assertThat(JpegReference.rgb(read)).isEqualTo(Arrays.copyOf(pixels.rgbView(), length));
                    }
                }
            }
        }
        assertThat(taken).isBetween(1, count / 2);
    }
}
