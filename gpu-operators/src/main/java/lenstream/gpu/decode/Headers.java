package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/**
 * Reads size, orientation and number of frames from the bytes alone, and finds files that end too early: libjpeg, for
 * one, fills what is missing with gray and reports success.
 *
 * <p>Sources: ITU-T T.81 (JPEG), W3C PNG third edition, WebP container specification, the BITMAPINFOHEADER family, TIFF
 * 6.0.
 */
final class Headers {
    /** Encoders of progressive JPEG write 10 to 16 scans; each one costs the decoder a walk over the whole picture. */
    private static final int USUAL_SCANS = 20;

    /** Pixels of all scans together: some seconds of a decoder's time. */
    private static final long MOST_SCANNED = 2_000_000_000;

    private Headers() {}

    static ImageHeader read(Format format, ByteBuffer bytes) throws UndecodableException {
        try {
            return switch (format) {
                case JPEG -> jpeg(bytes);
                case PNG -> png(bytes);
                case GIF -> GifFile.header(bytes);
                case WEBP -> webp(bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN));
                case BMP -> bmp(bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN));
                case TIFF -> TiffFile.header(bytes);
                case AVIF -> AvifFile.read(bytes).header();
                case JPEG2000 -> Jpeg2000.header(bytes);
                case PNM -> PnmFile.header(bytes);
            };
        } catch (IndexOutOfBoundsException e) {
            throw UndecodableException.truncated(
                    "the " + format + " file ends within its header, after " + bytes.limit() + " bytes");
        }
    }

    private static ImageHeader jpeg(ByteBuffer bytes) throws UndecodableException {
        int width = 0;
        int height = 0;
        int components = 0;
        int orientation = 1;
        int adobeTransform = 0;
        boolean arithmetic = false;
        boolean progressive = false;
        int at = 2;
        while (true) {
            if ((bytes.get(at) & 0xFF) != 0xFF) {
                throw UndecodableException.corrupt("JPEG: no marker where one belongs, at byte " + at);
            }
            int marker = bytes.get(at + 1) & 0xFF;
            if (marker == 0xFF) { // fill byte
                at++;
                continue;
            }
            if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
                at += 2;
                continue;
            }
            if (marker == 0xD9) {
                throw UndecodableException.corrupt("JPEG: it ends before any picture data");
            }
            int length = bytes.getShort(at + 2) & 0xFFFF;
            if (length < 2) {
                throw UndecodableException.corrupt("JPEG: a segment of length " + length + " at byte " + at);
            }
            if (marker == 0xDA) {
                break;
            }
            if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
                int precision = bytes.get(at + 4) & 0xFF;
                if (precision != 8 || marker == 0xC3 || (marker >= 0xC5 && marker != 0xC9 && marker != 0xCA)) {
                    throw UndecodableException.unsupported("JPEG with " + precision + " bits a sample, process SOF"
                            + (marker - 0xC0) + ", is not supported");
                }
                height = bytes.getShort(at + 5) & 0xFFFF;
                width = bytes.getShort(at + 7) & 0xFFFF;
                components = bytes.get(at + 9) & 0xFF;
                arithmetic = marker >= 0xC9;
                progressive = marker == 0xC2 || marker == 0xCA;
            } else if (marker == 0xE1 && length > 16 && Sniffer.starts(bytes, at + 4, 'E', 'x', 'i', 'f', 0, 0)) {
                orientation = Exif.orientation(bytes, at + 10, Math.min(length - 8, bytes.limit() - at - 10));
            } else if (marker == 0xEE && length >= 14 && Sniffer.starts(bytes, at + 4, 'A', 'd', 'o', 'b', 'e')) {
                adobeTransform = bytes.get(at + 15) & 0xFF;
            }
            at += 2 + length;
        }
        if (width == 0 || height == 0) {
            throw UndecodableException.corrupt("JPEG: its header gives the size " + width + " x " + height);
        }
        if (components != 1 && components != 3 && components != 4) {
            throw UndecodableException.unsupported("JPEG with " + components + " components is not supported");
        }
        if (!endsAfter(bytes, at)) {
            throw UndecodableException.truncated(
                    "JPEG: no end marker in " + bytes.limit() + " bytes; the picture is cut off");
        }
        if (progressive || (bytes.get(at + 4) & 0xFF) < components) {
            int scans = scans(bytes, at);
            if (scans > USUAL_SCANS && (long) scans * width * height > MOST_SCANNED) {
                throw UndecodableException.unsupported("JPEG: " + width + " x " + height + " in " + scans
                        + " scans takes too long to decode and is not supported");
            }
        }
        var variant = ImageHeader.Variant.ORDINARY;
        if (components == 4) {
            variant = adobeTransform == 2 ? ImageHeader.Variant.YCCK : ImageHeader.Variant.CMYK;
            if (arithmetic) {
                throw UndecodableException.unsupported(
                        "JPEG with four components and arithmetic coding is not supported");
            }
        }
        return new ImageHeader(Format.JPEG, width, height, orientation, 1, variant);
    }

    /** How many scans there are from the first one on, to the end marker or the end of the bytes. */
    private static int scans(ByteBuffer bytes, int first) {
        int scans = 0;
        int at = first;
        while (at + 3 < bytes.limit()) {
            int marker = bytes.get(at + 1) & 0xFF;
            if (bytes.get(at) != (byte) 0xFF || marker == 0 || marker == 0xFF || (marker >= 0xD0 && marker <= 0xD7)) {
                at++; // within entropy-coded data, or a fill byte
                continue;
            }
            if (marker == 0xD9) {
                break;
            }
            if (marker == 0xDA) {
                scans++;
            }
            at += 2 + (bytes.getShort(at + 2) & 0xFFFF);
        }
        return scans;
    }

    /**
     * Whether the end marker of JPEG, which JPEG 2000 has taken over, follows: entropy-coded data of the one and packets of the
     * other never hold its two bytes.
     */
    static boolean endsAfter(ByteBuffer bytes, int start) {
        for (int i = bytes.limit() - 2; i >= start; i--) {
            if (bytes.get(i) == (byte) 0xFF && bytes.get(i + 1) == (byte) 0xD9) {
                return true;
            }
        }
        return false;
    }

    private static ImageHeader png(ByteBuffer bytes) throws UndecodableException {
        if (!Sniffer.starts(bytes, 12, 'I', 'H', 'D', 'R')) {
            throw UndecodableException.corrupt("PNG: its first chunk is not IHDR");
        }
        int width = bytes.getInt(16);
        int height = bytes.getInt(20);
        int orientation = 1;
        int frames = 1;
        boolean data = false;
        int at = 8;
        while (true) {
            if (at + 8 > bytes.limit()) {
                throw UndecodableException.truncated("PNG: no end chunk in " + bytes.limit() + " bytes");
            }
            long length = Integer.toUnsignedLong(bytes.getInt(at));
            int kind = bytes.getInt(at + 4);
            if (length > bytes.limit() - at - 12L) {
                if (kind == 0x49484452 || width <= 0 || height <= 0 || length > Integer.MAX_VALUE) {
                    throw UndecodableException.corrupt(
                            "PNG: a chunk of " + length + " bytes in a file of " + bytes.limit());
                }
                throw UndecodableException.truncated("PNG: the file ends " + (length - (bytes.limit() - at - 12L))
                        + " bytes before the end of a chunk");
            }
            if (kind == 0x49454E44) { // IEND
                break;
            }
            boolean critical = (kind >>> 24 & 0x20) == 0;
            if (critical && !isSound(bytes, at)) {
                throw UndecodableException.corrupt("PNG: the checksum of the chunk at byte " + at + " is wrong");
            }
            switch (kind) {
                case 0x49444154 -> data = true; // IDAT
                case 0x65584966 -> orientation = Exif.orientation(bytes, at + 8, (int) length); // eXIf
                case 0x6163544C -> frames = Math.max(1, bytes.getInt(at + 8)); // acTL
                default -> {}
            }
            at += 12 + (int) length;
        }
        if (!data) {
            throw UndecodableException.corrupt("PNG: it holds no picture data");
        }
        return new ImageHeader(Format.PNG, width, height, orientation, frames);
    }

    /** Whether the checksum of a PNG's chunk, which lies whole in the file, is right. */
    static boolean isSound(ByteBuffer bytes, int chunk) {
        int length = bytes.getInt(chunk);
        var crc = new CRC32();
        crc.update(bytes.slice(chunk + 4, length + 4));
        return (int) crc.getValue() == bytes.getInt(chunk + 8 + length);
    }

    private static ImageHeader webp(ByteBuffer bytes) throws UndecodableException {
        long end = Integer.toUnsignedLong(bytes.getInt(4)) + 8;
        if (end > bytes.limit()) {
            throw UndecodableException.truncated("WebP: " + bytes.limit() + " of " + end + " bytes");
        }
        int width = 0;
        int height = 0;
        int orientation = 1;
        int frames = 0;
        boolean data = false;
        long at = 12;
        while (at + 8 <= end) {
            int chunk = (int) at;
            int kind = bytes.getInt(chunk);
            long length = Integer.toUnsignedLong(bytes.getInt(chunk + 4));
            if (at + 8 + length > bytes.limit()) {
                throw UndecodableException.corrupt("WebP: a chunk of " + length + " bytes reaches beyond the file");
            }
            switch (kind) {
                case 0x58385056 -> { // VP8X
                    width = 1 + (bytes.getInt(chunk + 12) & 0xFFFFFF);
                    height = 1 + (bytes.getInt(chunk + 14) >>> 8 & 0xFFFFFF);
                    // the canvas height starts at byte 15: read it from 14 and drop the low byte
                }
                case 0x20385056 -> { // VP8
                    data = true;
                    if (width == 0) {
                        width = bytes.getShort(chunk + 14) & 0x3FFF;
                        height = bytes.getShort(chunk + 16) & 0x3FFF;
                    }
                }
                case 0x4C385056 -> { // VP8L
                    data = true;
                    if (width == 0) {
                        int bits = bytes.getInt(chunk + 9);
                        width = 1 + (bits & 0x3FFF);
                        height = 1 + (bits >>> 14 & 0x3FFF);
                    }
                }
                case 0x464D4E41 -> { // ANMF
                    data = true;
                    frames++;
                }
                case 0x46495845 -> { // EXIF, with or without the prefix that belongs to JPEG
                    boolean prefixed = Sniffer.starts(bytes, chunk + 8, 'E', 'x', 'i', 'f', 0, 0);
                    int skip = prefixed ? 6 : 0;
                    orientation = Exif.orientation(
                            bytes.duplicate().order(ByteOrder.BIG_ENDIAN), chunk + 8 + skip, (int) length - skip);
                }
                default -> {}
            }
            at += 8 + length + (length & 1);
        }
        if (!data) {
            throw UndecodableException.corrupt("WebP: it holds no picture data");
        }
        return new ImageHeader(Format.WEBP, width, height, orientation, Math.max(1, frames));
    }

    private static ImageHeader bmp(ByteBuffer bytes) throws UndecodableException {
        int headerSize = bytes.getInt(14);
        int width;
        int height;
        int bits;
        int compression = 0;
        if (headerSize == 12) {
            width = bytes.getShort(18) & 0xFFFF;
            height = bytes.getShort(20) & 0xFFFF;
            bits = bytes.getShort(24) & 0xFFFF;
        } else if (headerSize >= 40) {
            width = bytes.getInt(18);
            height = bytes.getInt(22);
            height = height == Integer.MIN_VALUE ? 0 : Math.abs(height);
            bits = bytes.getShort(28) & 0xFFFF;
            compression = bytes.getInt(30);
        } else {
            throw UndecodableException.unsupported("BMP with a header of " + headerSize + " bytes is not supported");
        }
        if (width > 0 && height > 0 && (compression == 0 || compression == 3)) {
            long rowBytes = ((long) width * bits + 31) / 32 * 4;
            long needed = Integer.toUnsignedLong(bytes.getInt(10)) + rowBytes * height;
            if (needed > bytes.limit() && (long) width * height <= 1L << 40) {
                throw UndecodableException.truncated(
                        "BMP: " + bytes.limit() + " of " + needed + " bytes for " + width + " x " + height);
            }
        }
        return new ImageHeader(Format.BMP, width, height, 1, 1);
    }
}
