package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first frame of a GIF on its screen, and the number of frames. In plain Java: the format is small, and memory safe
 * code suits it best. Source: GIF89a specification.
 */
final class GifFile {
    private static final int MAX_CODES = 4096;

    private GifFile() {}

    static ImageHeader header(ByteBuffer file) throws UndecodableException {
        ByteBuffer bytes = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int width = bytes.getShort(6) & 0xFFFF;
        int height = bytes.getShort(8) & 0xFFFF;
        int frames = 0;
        int at = afterTable(13, bytes.get(10));
        boolean first = true;
        while (at < bytes.limit() && bytes.get(at) != 0x3B) {
            int kind = bytes.get(at) & 0xFF;
            int blocks;
            if (kind == 0x21) {
                blocks = at + 2;
            } else if (kind == 0x2C) {
                if (first) { // a frame may reach beyond the screen: the picture is as large as both
                    width = Math.max(width, (bytes.getShort(at + 1) & 0xFFFF) + (bytes.getShort(at + 5) & 0xFFFF));
                    height = Math.max(height, (bytes.getShort(at + 3) & 0xFFFF) + (bytes.getShort(at + 7) & 0xFFFF));
                    first = false;
                }
                blocks = afterTable(at + 10, bytes.get(at + 9)) + 1;
            } else {
                if (frames > 0) {
                    break; // rubbish after a whole frame
                }
                throw UndecodableException.corrupt("GIF: unknown block " + kind + " at byte " + at);
            }
            int end = afterBlocks(bytes, blocks);
            if (end < 0) {
                if (frames > 0) {
                    break; // the first frame is whole
                }
                throw UndecodableException.truncated(
                        "GIF: it ends within its first frame, after " + bytes.limit() + " bytes");
            }
            if (kind == 0x2C) {
                frames++;
            }
            at = end;
        }
        if (frames == 0) {
            throw UndecodableException.truncated(
                    "GIF: it ends before its first frame, after " + bytes.limit() + " bytes");
        }
        return new ImageHeader(Format.GIF, width, height, 1, frames);
    }

    /** Writes the first frame. {@code rgb} has room for the screen of {@link #header}. */
    static void decode(ByteBuffer file, ImageHeader header, Ground ground, byte[] rgb) throws UndecodableException {
        ByteBuffer bytes = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int screenFlags = bytes.get(10);
        int transparent = -1;
        int at = afterTable(13, (byte) screenFlags);
        while (bytes.get(at) != 0x2C) {
            if ((bytes.get(at + 1) & 0xFF) == 0xF9 && (bytes.get(at + 3) & 1) != 0) {
                transparent = bytes.get(at + 6) & 0xFF;
            }
            at = afterBlocks(bytes, at + 2);
        }
        int left = bytes.getShort(at + 1) & 0xFFFF;
        int top = bytes.getShort(at + 3) & 0xFFFF;
        int width = bytes.getShort(at + 5) & 0xFFFF;
        int height = bytes.getShort(at + 7) & 0xFFFF;
        int flags = bytes.get(at + 9);
        boolean interlaced = (flags & 0x40) != 0;
        int table = (flags & 0x80) != 0 ? at + 10 : 13;
        int colours = (flags & 0x80) != 0 ? 2 << (flags & 7) : (screenFlags & 0x80) != 0 ? 2 << (screenFlags & 7) : 0;
        int data = afterTable(at + 10, (byte) flags);
        byte[] palette = palette(bytes, table, colours);
        var indices = new byte[width * height];
        int decoded = lzw(bytes, data, indices);
        if (decoded < indices.length) {
            throw UndecodableException.corrupt(
                    "GIF: " + decoded + " of " + indices.length + " pixels in its first frame");
        }
        // what the frame leaves bare is transparent, or, where nothing is, has the first colour, as in Pillow
        int bare = 3 * Math.max(0, transparent);
        boolean white = transparent >= 0 && ground == Ground.WHITE;
        for (int i = 0; i < header.width() * header.height() * 3; i++) {
            rgb[i] = white ? (byte) 255 : palette[bare + i % 3];
        }
        for (int row = 0; row < height; row++) {
            int y = top + (interlaced ? interlacedRow(row, height) : row);
            int to = (y * header.width() + left) * 3;
            for (int x = 0; x < width; x++, to += 3) {
                int index = indices[row * width + x] & 0xFF;
                if (index == transparent) {
                    continue;
                }
                rgb[to] = palette[3 * index];
                rgb[to + 1] = palette[3 * index + 1];
                rgb[to + 2] = palette[3 * index + 2];
            }
        }
    }

    /** 256 colours; without a table the index is the gray level, and beyond a table all is black, as in Pillow. */
    private static byte[] palette(ByteBuffer bytes, int table, int colours) {
        var palette = new byte[256 * 3];
        if (colours == 0) {
            for (int i = 0; i < palette.length; i++) {
                palette[i] = (byte) (i / 3);
            }
        } else {
            bytes.get(table, palette, 0, Math.min(256, colours) * 3);
        }
        return palette;
    }

    private static int interlacedRow(int row, int height) {
        int pass1 = (height + 7) / 8;
        int pass2 = pass1 + (height + 3) / 8;
        int pass3 = pass2 + (height + 1) / 4;
        if (row < pass1) {
            return row * 8;
        }
        if (row < pass2) {
            return (row - pass1) * 8 + 4;
        }
        if (row < pass3) {
            return (row - pass2) * 4 + 2;
        }
        return (row - pass3) * 2 + 1;
    }

    /** Unpacks the variable-length codes of one frame; returns how many indices there were. */
    private static int lzw(ByteBuffer bytes, int start, byte[] out) throws UndecodableException {
        int minimum = bytes.get(start) & 0xFF;
        if (minimum < 1 || minimum > 11) {
            throw UndecodableException.corrupt("GIF: code size " + minimum);
        }
        int clear = 1 << minimum;
        int end = clear + 1;
        var prefix = new short[MAX_CODES];
        var suffix = new byte[MAX_CODES];
        var stack = new byte[MAX_CODES + 1];
        for (int i = 0; i < clear; i++) {
            suffix[i] = (byte) i;
        }
        int size = minimum + 1;
        int next = end + 1;
        int previous = -1;
        int first = 0;
        int written = 0;
        int bits = 0;
        int count = 0;
        int at = start + 1;
        int left = bytes.get(at++) & 0xFF;
        while (written < out.length) {
            while (count < size) {
                if (left == 0) {
                    return written;
                }
                bits |= (bytes.get(at++) & 0xFF) << count;
                count += 8;
                if (--left == 0) {
                    left = bytes.get(at++) & 0xFF;
                }
            }
            int code = bits & ((1 << size) - 1);
            bits >>>= size;
            count -= size;
            if (code == clear) {
                size = minimum + 1;
                next = end + 1;
                previous = -1;
                continue;
            }
            if (code == end) {
                return written;
            }
            if (previous < 0) {
                if (code > end) {
                    throw UndecodableException.corrupt("GIF: a code before its meaning");
                }
                first = suffix[code] & 0xFF;
                out[written++] = (byte) first;
                previous = code;
                continue;
            }
            int depth = 0;
            int walk = code;
            if (code >= next) {
                if (code > next) {
                    throw UndecodableException.corrupt("GIF: a code before its meaning");
                }
                stack[depth++] = (byte) first;
                walk = previous;
            }
            while (walk > end) {
                stack[depth++] = suffix[walk];
                walk = prefix[walk] & 0xFFFF;
            }
            first = suffix[walk] & 0xFF;
            stack[depth++] = (byte) first;
            while (depth > 0 && written < out.length) {
                out[written++] = stack[--depth];
            }
            if (next < MAX_CODES) {
                prefix[next] = (short) previous;
                suffix[next] = (byte) first;
                next++;
                if (next == 1 << size && size < 12) {
                    size++;
                }
            }
            previous = code;
        }
        return written;
    }

    private static int afterTable(int at, byte flags) {
        return (flags & 0x80) != 0 ? at + 3 * (2 << (flags & 7)) : at;
    }

    /** The offset after a chain of data blocks, or -1 if the file ends before. */
    private static int afterBlocks(ByteBuffer bytes, int start) {
        int at = start;
        while (at < bytes.limit()) {
            int length = bytes.get(at) & 0xFF;
            at += 1 + length;
            if (length == 0) {
                return at;
            }
        }
        return -1;
    }
}
