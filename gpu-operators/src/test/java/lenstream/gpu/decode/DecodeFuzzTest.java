package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Broken images of every format: each is an outcome, none an exception, a crash or a wrong neighbour. More of them:
 * {@code mvn -pl gpu-operators test -Dtest=DecodeFuzzTest -Dlenstream.fuzz.images=100000 -Dlenstream.fuzz.seed=2}; of one
 * format: {@code -Dlenstream.fuzz.files=jp2}.
 */
final class DecodeFuzzTest {
    private static final int IMAGES = Integer.getInteger("lenstream.fuzz.images", 6000);
    private static final long SEED = Long.getLong("lenstream.fuzz.seed", 1);

    /** What the names of the sound files begin with. */
    private static final String FILES = System.getProperty("lenstream.fuzz.files", "");

    @Test
    @Timeout(7200)
    void brokenImagesAreOutcomes() throws IOException {
        var limits = new DecodeLimits(4_000_000, 200, 1 << 20);
        var decoder = new HostImageDecoder(limits, DecodeRules.defaults(), 1);
        var random = new Random(SEED);
        List<String> names =
                Images.names().stream().filter(name -> name.startsWith(FILES)).toList();
        byte[] healthy = Images.read("jpeg-420.jpg");
        byte[] expected = rgb(decoder.decode(Images.direct(healthy)));
        for (int i = 0; i < IMAGES; i++) {
            String name = names.get(i % names.size());
            byte[] broken = Mutation.of(Images.read(name), random);
            Decoded decoded = decoder.decode(Images.direct(broken));
            switch (decoded) {
                case Decoded.Image image -> image.pixels().close();
                case Decoded.Rejected rejected -> {
                    assertThat(rejected.detail()).as(name).isNotBlank();
                }
            }
            if (i % 25 == 0) {
                assertThat(rgb(decoder.decode(Images.direct(healthy)))).isEqualTo(expected);
            }
        }
    }

    private static byte[] rgb(Decoded decoded) {
        try (Pixels pixels = ((Decoded.Image) decoded).pixels()) {
            return Arrays.copyOf(pixels.rgbView(), pixels.width() * pixels.height() * 3);
        }
    }
}
