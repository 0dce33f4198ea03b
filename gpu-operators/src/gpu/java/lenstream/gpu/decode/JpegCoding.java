package lenstream.gpu.decode;

import java.nio.ByteBuffer;

/** How a JPEG is coded, as far as decoders on a device differ in what they take. Source: ITU-T T.81, table B.1. */
public enum JpegCoding {
    /** Huffman, sequential, 8 bits, gray or YCbCr: what hardware engines decode. */
    BASELINE,
    /** Huffman, progressive, 8 bits, gray or YCbCr. */
    PROGRESSIVE,
    /** Anything else: arithmetic coding, four components, RGB components. */
    OTHER;

    /**
     * Reads the coding from the bytes of a JPEG; one that ends within its header is {@link #OTHER}.
     */
    public static JpegCoding of(ByteBuffer jpeg) {
        try {
            return read(jpeg);
        } catch (IndexOutOfBoundsException e) {
            return OTHER;
        }
    }

    private static JpegCoding read(ByteBuffer jpeg) {
        JpegCoding coding = OTHER;
        int at = 2;
        while (true) {
            int marker = jpeg.get(at + 1) & 0xFF;
            if (marker == 0xFF) { // fill byte
                at++;
                continue;
            }
            if (marker == 0xDA || marker == 0xD9) {
                return coding;
            }
            if (marker == 0xC0 || marker == 0xC1 || marker == 0xC2) {
                int components = jpeg.get(at + 9) & 0xFF;
                boolean namedRgb = components == 3 && jpeg.get(at + 10) == 'R' && jpeg.get(at + 13) == 'G';
                if ((components == 1 || components == 3) && !namedRgb) {
                    coding = marker == 0xC2 ? PROGRESSIVE : BASELINE;
                }
            } else if (marker == 0xEE
                    && Sniffer.starts(jpeg, at + 4, 'A', 'd', 'o', 'b', 'e')
                    && jpeg.get(at + 15) == 0) {
                return OTHER; // components without a transform
            }
            boolean alone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7);
            at += alone ? 2 : 2 + (jpeg.getShort(at + 2) & 0xFFFF);
        }
    }
}
