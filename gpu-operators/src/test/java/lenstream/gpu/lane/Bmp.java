package lenstream.gpu.lane;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes pixels as a 24-bit Windows bitmap: lossless, and never decoded on a device. */
final class Bmp {
    private Bmp() {}

    static byte[] of(byte[] rgb, int width, int height) {
        int stride = (3 * width + 3) & ~3;
        ByteBuffer out = ByteBuffer.allocate(54 + stride * height).order(ByteOrder.LITTLE_ENDIAN);
        out.put((byte) 'B')
                .put((byte) 'M')
                .putInt(54 + stride * height)
                .putInt(0)
                .putInt(54);
        out.putInt(40).putInt(width).putInt(height).putShort((short) 1).putShort((short) 24);
        out.putInt(0).putInt(stride * height).putInt(0).putInt(0).putInt(0).putInt(0);
        for (int y = 0; y < height; y++) {
            int at = 54 + (height - 1 - y) * stride;
            for (int x = 0; x < width; x++) {
                int from = (y * width + x) * 3;
                out.put(at + 3 * x, rgb[from + 2]);
                out.put(at + 3 * x + 1, rgb[from + 1]);
                out.put(at + 3 * x + 2, rgb[from]);
            }
        }
        return out.array();
    }
}
