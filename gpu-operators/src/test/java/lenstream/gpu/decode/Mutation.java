package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;

/** Broken images from sound ones, by a seeded generator. */
public final class Mutation {
    private Mutation() {}

    /** A broken copy; half of the PNGs get right checksums again, so that the damage reaches the decoder. */
    public static byte[] of(byte[] image, Random random) {
        byte[] out = image.clone();
        switch (random.nextInt(7)) {
            case 0 -> out = Arrays.copyOf(out, random.nextInt(out.length));
            case 1 -> {
                for (int i = 1 + random.nextInt(16); i > 0; i--) {
                    out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            case 2 -> { // within the header
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
                Arrays.fill(out, at, Math.min(out.length, at + 1 + random.nextInt(4)), (byte)
                        (random.nextBoolean() ? -1 : 0));
            }
            case 5 -> { // cut off, with an end marker put behind: only the decoder can notice
                out = Arrays.copyOf(out, Math.max(4, random.nextInt(out.length)));
                out[out.length - 2] = (byte) 0xFF;
                out[out.length - 1] = (byte) 0xD9;
            }
            default -> { // a part doubled
                int at = random.nextInt(out.length);
                int length = Math.min(out.length - at, 1 + random.nextInt(100));
                byte[] longer = Arrays.copyOf(out, out.length + length);
                System.arraycopy(out, at, longer, at + length, out.length - at);
                out = longer;
            }
        }
        return random.nextBoolean() ? repairPng(out) : out;
    }

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
