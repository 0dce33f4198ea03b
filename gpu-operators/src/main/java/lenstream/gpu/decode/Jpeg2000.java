package lenstream.gpu.decode;

import java.nio.ByteBuffer;

/**
 * Size and completeness of a JPEG 2000 picture, alone as a codestream or within the boxes of a JP2 file, and its way to
 * pixels by FFmpeg. Source: ITU-T T.800, annexes A (codestream) and I (file format).
 */
final class Jpeg2000 {
    private static final int CODESTREAM = 0x6A703263; // jp2c
    private static final int START = 0xFF4F;
    private static final int SIZE = 0xFF51;
    /** What the tile index of a tile part can say. */
    private static final long MAX_TILES = 65_535;

    private Jpeg2000() {}

    static ImageHeader header(ByteBuffer bytes) throws UndecodableException {
        int at = codestream(bytes);
        if ((bytes.getShort(at) & 0xFFFF) != START || (bytes.getShort(at + 2) & 0xFFFF) != SIZE) {
            throw UndecodableException.corrupt("JPEG 2000: its codestream does not start with the size");
        }
        int size = at + 8; // after two markers, the segment's length and the capabilities
        long width = unsigned(bytes, size) - unsigned(bytes, size + 8);
        long height = unsigned(bytes, size + 4) - unsigned(bytes, size + 12);
        int components = bytes.getShort(size + 32) & 0xFFFF;
        if (width <= 0 || height <= 0 || width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
            throw UndecodableException.corrupt("JPEG 2000: its header gives the size " + width + " x " + height);
        }
        if (components < 1 || components > 4) {
            throw UndecodableException.unsupported("JPEG 2000 with " + components + " components is not supported");
        }
        long tileWidth = unsigned(bytes, size + 16);
        long tileHeight = unsigned(bytes, size + 20);
        if (tileWidth == 0 || tileHeight == 0) {
            throw UndecodableException.corrupt("JPEG 2000: its tiles have no size");
        }
        long across = Math.ceilDiv(unsigned(bytes, size) - unsigned(bytes, size + 24), tileWidth);
        long down = Math.ceilDiv(unsigned(bytes, size + 4) - unsigned(bytes, size + 28), tileHeight);
        if (across <= 0 || down <= 0 || across > MAX_TILES || down > MAX_TILES || across * down > MAX_TILES) {
            throw UndecodableException.corrupt("JPEG 2000: " + across + " x " + down + " tiles");
        }
        if (!Headers.endsAfter(bytes, at)) {
            throw UndecodableException.truncated(
                    "JPEG 2000: no end marker in " + bytes.limit() + " bytes; the picture is cut off");
        }
        return new ImageHeader(Format.JPEG2000, (int) width, (int) height, 1, 1);
    }

    /** Writes the picture. {@code rgb} has room for the size of {@link #header}. */
    static void decode(ByteBuffer bytes, ImageHeader header, Ground ground, byte[] rgb) throws UndecodableException {
        var data = new byte[bytes.limit()];
        bytes.get(0, data);
        Planes planes = Ffmpeg.jpeg2000(data);
        planes.checkSize(header);
        planes.toRgb(planes.alphaPlanes(), planes.matrix(), true, ground, rgb);
    }

    /** Where the codestream begins. */
    private static int codestream(ByteBuffer bytes) throws UndecodableException {
        if ((bytes.getShort(0) & 0xFFFF) == START) {
            return 0;
        }
        long at = 0;
        while (at + 8 <= bytes.limit()) {
            int box = (int) at;
            long length = unsigned(bytes, box);
            int kind = bytes.getInt(box + 4);
            int head = 8;
            if (length == 1) {
                length = bytes.getLong(box + 8);
                head = 16;
            } else if (length == 0) { // to the end of the file
                length = bytes.limit() - at;
            }
            if (length < head) {
                throw UndecodableException.corrupt("JPEG 2000: a box of " + length + " bytes at byte " + at);
            }
            if (length > bytes.limit() - at) {
                throw UndecodableException.truncated("JPEG 2000: the file ends " + (length - (bytes.limit() - at))
                        + " bytes before the end of a box");
            }
            if (kind == CODESTREAM) {
                return box + head;
            }
            at += length;
        }
        throw UndecodableException.corrupt("JPEG 2000: it holds no picture data");
    }

    private static long unsigned(ByteBuffer bytes, int at) {
        return Integer.toUnsignedLong(bytes.getInt(at));
    }
}
