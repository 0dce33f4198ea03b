package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Broken images of every format: each is an outcome, none an exception, a crash or a wrong neighbour. More of them:
 * {@code mvn -pl gpu-operators test -Dtest=DecodeFuzzTest -Dlenstream.fuzz.images=100000 -Dlenstream.fuzz.seed=2}.
 */
final class DecodeFuzzTest {
    private static final int IMAGES = Integer.getInteger("lenstream.fuzz.images", 500);
    private static final long SEED = Long.getLong("lenstream.fuzz.seed", 1);

    @Test
    @Timeout(7200)
    void brokenImagesAreOutcomes() throws IOException {
        var limits = new DecodeLimits(4_000_000, 200, 1 << 20);
        var decoder = new HostImageDecoder(limits, DecodeRules.defaults(), 1);
        var random = new Random(SEED);
        List<String> names = Images.names();
        byte[] healthy = Images.read("jpeg-420.jpg");
        byte[] expected = rgb(decoder.decode(Images.direct(healthy)));
        for (int i = 0; i < IMAGES; i++) {
            String name = names.get(i % names.size());
            byte[] broken = mutate(Images.read(name), random);
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

    private static byte[] mutate(byte[] image, Random random) {
        byte[] out = image.clone();
        switch (random.nextInt(6)) {
            case 0 -> out = Arrays.copyOf(out, random.nextInt(out.length));
            case 1 -> { // bits
                for (int i = 1 + random.nextInt(16); i > 0; i--) {
                    out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            case 2 -> { // bytes, within the header
                for (int i = 1 + random.nextInt(4); i > 0; i--) {
                    out[random.nextInt(Math.min(out.length, 200))] = (byte) random.nextInt();
                }
            }
            case 3 -> { // a run of rubbish
                int start = random.nextInt(out.length);
                for (int i = start; i < Math.min(out.length, start + 64); i++) {
                    out[i] = (byte) random.nextInt();
                }
            }
            case 4 -> { // extreme numbers
                int at = random.nextInt(Math.max(1, out.length - 4));
                byte value = (byte) (random.nextBoolean() ? 0xFF : 0x7F);
                Arrays.fill(out, at, Math.min(out.length, at + 1 + random.nextInt(4)), value);
            }
            default -> { // a part doubled, the rest moved
                int at = random.nextInt(out.length);
                int length = Math.min(out.length - at, 1 + random.nextInt(100));
                byte[] longer = Arrays.copyOf(out, out.length + length);
                System.arraycopy(out, at, longer, at + length, out.length - at);
                out = longer;
            }
        }
        return random.nextBoolean() ? repairPng(out) : out;
    }

    /** Makes the checksums right again, so that broken data reach the decoder. */
    private static byte[] repairPng(byte[] bytes) {
        if (bytes.length < 8 || bytes[1] != 'P' || bytes[2] != 'N') {
            return bytes;
        }
        ByteBuffer png = ByteBuffer.wrap(bytes);
        for (int at = 8; at + 12 <= bytes.length; ) {
            int length = png.getInt(at);
            if (length < 0 || length > bytes.length - at - 12) {
                break;
            }
            var crc = new CRC32();
            crc.update(bytes, at + 4, length + 4);
            png.putInt(at + 8 + length, (int) crc.getValue());
            at += 12 + length;
        }
        return bytes;
    }
}
