package lenstream.gpu.decode;

import java.nio.ByteBuffer;

/**
 * A PNG's picture without what else its file holds. The decoder gets the chunks that make the picture and no others: OpenCV
 * 4.13's reader of animations (acTL, fcTL, fdAT) corrupts memory on broken ones, and text, colour profiles and dates are of no
 * use here. The picture of the IDAT chunks is the first frame, or the one for those who know no animations.
 */
final class PngFile {
    private static final int SIGNATURE = 8;
    private static final int IHDR = 0x49484452;
    private static final int PLTE = 0x504C5445;
    private static final int TRNS = 0x74524E53;
    private static final int IDAT = 0x49444154;
    private static final int IEND = 0x49454E44;

    private PngFile() {}

    /**
     * The file without all but IHDR, PLTE, tRNS, IDAT and IEND.
     *
     * @param bytes a PNG whose chunks {@link Headers} has walked
     * @return direct, from 0 to its limit
     */
    static ByteBuffer pictureOnly(ByteBuffer bytes) {
        ByteBuffer out = ByteBuffer.allocateDirect(bytes.limit());
        out.put(0, bytes, 0, SIGNATURE);
        int to = SIGNATURE;
        int at = SIGNATURE;
        int kind;
        do {
            int length = 12 + bytes.getInt(at);
            kind = bytes.getInt(at + 4);
            if (kind == IHDR || kind == PLTE || kind == TRNS || kind == IDAT || kind == IEND) {
                out.put(to, bytes, at, length);
                to += length;
            }
            at += length;
        } while (kind != IEND);
        return out.limit(to);
    }
}
