package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read here is what OpenCV reads; all else is refused. */
final class PngReaderTest {
    private final PngReader reader = new PngReader();

    /** Every kind of block, filter, sampling and size, flat and noisy pictures. */
    @ParameterizedTest
    @CsvSource({"0, 1", "2, 3", "3, 1", "6, 4"})
    void pixelsAreThoseOfOpenCv(int kind, int channels) throws Exception {
        var random = new Random(3 + kind);
        for (int i = 0; i < 120; i++) {
            int width = 1 + random.nextInt(i < 60 ? 20 : 300);
            int height = 1 + random.nextInt(i < 60 ? 20 : 200);
            byte[] png = png(kind, width, height, raw(random, width * channels, height, i), random, i);
            var seen = new byte[3 * width * height];
            assertThat(reader.decode(ByteBuffer.wrap(png), Ground.WHITE, seen)).isTrue();
            assertThat(seen).isEqualTo(openCv(png));
        }
    }

    /** Differences as they are stored; the filters are whatever comes. */
    private static byte[] raw(Random random, int bytes, int height, int seed) {
        var raw = new byte[height * (bytes + 1)];
        int span = new int[] {1, 4, 40, 256}[seed & 3];
        for (int i = 0; i < raw.length; i++) {
            raw[i] = (byte) (i % (bytes + 1) == 0 ? random.nextInt(5) : (random.nextInt(span) - span / 3));
        }
        return raw;
    }

    private static byte[] png(int kind, int width, int height, byte[] raw, Random random, int seed) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        var header = ByteBuffer.allocate(13)
                .putInt(width)
                .putInt(height)
                .put((byte) 8)
                .put((byte) kind);
        chunk(out, "IHDR", header.array());
        if (kind == 3) {
            var colours = new byte[768];
            random.nextBytes(colours);
            chunk(out, "PLTE", colours);
            chunk(out, "tRNS", Arrays.copyOf(colours, seed % 257));
        }
        var deflater = new Deflater(seed % 10);
        deflater.setStrategy(
                new int[] {Deflater.DEFAULT_STRATEGY, Deflater.HUFFMAN_ONLY, Deflater.FILTERED}[seed / 10 % 3]);
        deflater.setInput(raw);
        deflater.finish();
        var part = new byte[1 + random.nextInt(70_000)];
        while (!deflater.finished()) {
            int count = deflater.deflate(part);
            chunk(out, "IDAT", Arrays.copyOf(part, count));
        }
        deflater.end();
        chunk(out, "IEND", new byte[0]);
        return out.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream out, String kind, byte[] data) {
        ByteBuffer chunk = ByteBuffer.allocate(12 + data.length)
                .putInt(data.length)
                .put(kind.getBytes())
                .put(data);
        var crc = new CRC32();
        crc.update(chunk.array(), 4, 4 + data.length);
        out.writeBytes(chunk.putInt((int) crc.getValue()).array());
    }

    private static byte[] openCv(byte[] png) throws Exception {
        ByteBuffer bytes = ByteBuffer.wrap(png);
        ImageHeader header = Headers.read(Format.PNG, bytes);
        var rgb = new byte[3 * header.width() * header.height()];
        OpenCv.decode(PngFile.pictureOnly(bytes), header, Ground.WHITE, rgb);
        return rgb;
    }

    @ParameterizedTest
    @CsvSource({
        "png-rgb.png, true",
        "png-rgba.png, true",
        "png-gray.png, true",
        "png-palette.png, true",
        "png-palette-transparent.png, true",
        "png-animated.png, true",
        "png-interlaced.png, false",
        "png-rgb16.png, false",
        "png-rgb-transparent.png, false",
        "png-gray-alpha.png, false",
        "png-1bit.png, false"
    })
    void takesWhatIsCommon(String name, boolean taken) throws IOException {
        assertThat(reader.decode(ByteBuffer.wrap(Images.read(name)), Ground.WHITE, new byte[3 << 20]))
                .isEqualTo(taken);
    }

    /** Broken data under right checksums: refused, or what OpenCV sees too. */
    @Test
    void brokenPicturesAreRefusedOrAsOpenCvSeesThem() throws Exception {
        var random = new Random(9);
        int taken = 0;
        int count = Integer.getInteger("lenstream.fuzz.images", 4000);
        for (int i = 0; i < count; i++) {
            int kind = new int[] {0, 2, 3, 6}[i & 3];
            int channels = new int[] {1, 3, 1, 4}[i & 3];
            byte[] raw = raw(random, 23 * channels, 17, i >> 2);
            byte[] broken = Mutation.of(png(kind, 23, 17, raw, random, i >> 2), random);
            ImageHeader header;
            try {
                Sniffer.format(ByteBuffer.wrap(broken));
                header = Headers.read(Format.PNG, ByteBuffer.wrap(broken));
            } catch (UndecodableException e) {
                continue;
            }
            if (header.pixels() > 1 << 20 || header.width() <= 0 || header.height() <= 0) {
                continue;
            }
            var seen = new byte[3 * (int) header.pixels()];
            if (reader.decode(ByteBuffer.wrap(broken), Ground.WHITE, seen)) {
                taken++;
                assertThat(seen).isEqualTo(openCv(broken));
            }
        }
        assertThat(taken).isBetween(1, count / 2);
    }
}
