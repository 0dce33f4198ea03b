package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import lenstream.core.image.Reason;

/** The first directory of a TIFF, read far enough to refuse what would allocate too much. Source: TIFF 6.0. */
final class TiffFile {
    private TiffFile() {}

    static ImageHeader header(ByteBuffer file) throws UndecodableException {
        ByteBuffer bytes = file.duplicate().order(file.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        long directory = Integer.toUnsignedLong(bytes.getInt(4));
        if (directory > bytes.limit() - 2L) {
            throw UndecodableException.truncated(
                    "TIFF: its directory is at byte " + directory + " of " + bytes.limit());
        }
        int start = (int) directory;
        int entries = bytes.getShort(start) & 0xFFFF;
        if (start + 2L + 12L * entries > bytes.limit()) {
            throw UndecodableException.truncated("TIFF: the file ends within its directory");
        }
        long width = 0;
        long height = 0;
        long tileWidth = 1;
        long tileHeight = 1;
        int orientation = 1;
        int offsets = -1;
        int lengths = -1;
        for (int i = 0; i < entries; i++) {
            int entry = start + 2 + 12 * i;
            int tag = bytes.getShort(entry) & 0xFFFF;
            long value = value(bytes, entry);
            switch (tag) {
                case 256 -> width = value;
                case 257 -> height = value;
                case 258 -> sampleBits(value, bytes.getInt(entry + 4));
                case 274 -> orientation = value >= 1 && value <= 8 ? (int) value : 1;
                case 277 -> {
                    if (value < 1 || value > 8) {
                        throw UndecodableException.unsupported(
                                "TIFF with " + value + " samples a pixel is not supported");
                    }
                }
                case 322 -> tileWidth = value;
                case 323 -> tileHeight = value;
                case 273, 324 -> offsets = entry;
                case 279, 325 -> lengths = entry;
                default -> {}
            }
        }
        if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
            throw new UndecodableException(
                    Reason.TOO_MANY_PIXELS, "TIFF: " + width + " x " + height + " pixels in its header");
        }
        if (tileWidth < 1 || tileHeight < 1 || tileWidth > 8192 || tileHeight > 8192) {
            throw UndecodableException.unsupported(
                    "TIFF with tiles of " + tileWidth + " x " + tileHeight + " is not supported");
        }
        if (offsets >= 0 && lengths >= 0) {
            checkData(bytes, offsets, lengths);
        }
        return new ImageHeader(Format.TIFF, (int) width, (int) height, orientation, 1);
    }

    private static void sampleBits(long value, int count) throws UndecodableException {
        if (count == 1 && value > 32) {
            throw UndecodableException.unsupported("TIFF with " + value + " bits a sample is not supported");
        }
    }

    /** A strip or tile that ends beyond the file's end means that the file was cut off. */
    private static void checkData(ByteBuffer bytes, int offsets, int lengths) throws UndecodableException {
        long count = Math.min(
                Integer.toUnsignedLong(bytes.getInt(offsets + 4)), Integer.toUnsignedLong(bytes.getInt(lengths + 4)));
        if (count > bytes.limit()) {
            throw UndecodableException.corrupt("TIFF: " + count + " strips in " + bytes.limit() + " bytes");
        }
        for (int i = 0; i < count; i++) {
            long end = value(bytes, offsets, i) + value(bytes, lengths, i);
            if (end > bytes.limit()) {
                throw UndecodableException.truncated("TIFF: its pixels end at byte " + end + " of " + bytes.limit());
            }
        }
    }

    private static long value(ByteBuffer bytes, int entry) {
        return value(bytes, entry, 0);
    }

    /** The i-th number of a field, which lies in its entry if all of them fit there. */
    private static long value(ByteBuffer bytes, int entry, int i) {
        int size = switch (bytes.getShort(entry + 2)) {
            case 1 -> 1;
            case 3 -> 2;
            default -> 4;
        };
        long count = Integer.toUnsignedLong(bytes.getInt(entry + 4));
        long start = count * size <= 4 ? entry + 8 : Integer.toUnsignedLong(bytes.getInt(entry + 8));
        int at = (int) Math.min(Integer.MAX_VALUE, start + (long) i * size);
        return switch (size) {
            case 1 -> bytes.get(at) & 0xFF;
            case 2 -> bytes.getShort(at) & 0xFFFF;
            default -> Integer.toUnsignedLong(bytes.getInt(at));
        };
    }
}
