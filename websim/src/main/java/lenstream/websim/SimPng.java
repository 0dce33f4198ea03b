package lenstream.websim;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Valid PNG pictures of {@value #SIDE} x {@value #SIDE} pixels, one for each number. */
final class SimPng {
    private static final int SIDE = 12;
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int BITS = 8;
    private static final int RGB = 2;

    private SimPng() {}

    static byte[] of(long number) {
        var random = new SplittableRandom(number);
        var rows = new byte[SIDE * (1 + SIDE * 3)]; // each row begins with its filter, none
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE * 3; x++) {
                rows[y * (1 + SIDE * 3) + 1 + x] = (byte) random.nextInt();
            }
        }
        var png = new ByteArrayOutputStream(rows.length + 100);
        png.writeBytes(SIGNATURE);
        chunk(
                png,
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(SIDE)
                        .putInt(SIDE)
                        .put((byte) BITS)
                        .put((byte) RGB)
                        .array());
        chunk(png, "IDAT", deflated(rows));
        chunk(png, "IEND", new byte[0]);
        return png.toByteArray();
    }

    private static byte[] deflated(byte[] rows) {
        var deflater = new Deflater(Deflater.NO_COMPRESSION);
        try {
            deflater.setInput(rows);
            deflater.finish();
            var out = new byte[rows.length + 64];
            int length = deflater.deflate(out);
            return java.util.Arrays.copyOf(out, length);
        } finally {
            deflater.end();
        }
    }

    private static void chunk(ByteArrayOutputStream png, String type, byte[] data) {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        var crc = new CRC32();
        crc.update(name);
        crc.update(data);
        png.writeBytes(ByteBuffer.allocate(12 + data.length)
                .putInt(data.length)
                .put(name)
                .put(data)
                .putInt((int) crc.getValue())
                .array());
    }
}
