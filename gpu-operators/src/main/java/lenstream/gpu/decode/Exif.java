package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads the orientation from an EXIF block, which is a small TIFF file. An absent or invalid one counts as 1. */
final class Exif {
    private static final int ORIENTATION = 0x0112;

    private Exif() {}

    /**
     * The orientation, 1 to 8.
     *
     * @param start offset of the TIFF header in {@code bytes}
     * @param length of the block
     */
    static int orientation(ByteBuffer bytes, int start, int length) {
        if (length < 14 || start < 0 || start + length > bytes.limit()) {
            return 1;
        }
        ByteBuffer tiff = bytes.slice(start, length);
        int mark = tiff.getShort(0);
        if (mark == 0x4949) {
            tiff.order(ByteOrder.LITTLE_ENDIAN);
        } else if (mark != 0x4D4D) {
            return 1;
        }
        int directory = tiff.getInt(4);
        if (directory < 8 || directory > length - 2) {
            return 1;
        }
        int entries = tiff.getShort(directory) & 0xFFFF;
        for (int i = 0; i < entries; i++) {
            int entry = directory + 2 + 12 * i;
            if (entry + 12 > length) {
                return 1;
            }
            if ((tiff.getShort(entry) & 0xFFFF) == ORIENTATION) {
                int value = tiff.getShort(entry + 8) & 0xFFFF;
                return value >= 1 && value <= 8 ? value : 1;
            }
        }
        return 1;
    }
}
