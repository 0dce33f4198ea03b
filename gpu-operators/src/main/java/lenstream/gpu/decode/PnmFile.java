package lenstream.gpu.decode;

import java.nio.ByteBuffer;

/**
 * PBM, PGM and PPM: bits, gray levels and colours, written as text (P1, P2, P3) or raw (P4, P5, P6). Of a file that
 * holds several pictures the first. In plain Java, as GIF is. Source: the Netpbm project's format descriptions.
 */
final class PnmFile {
    /** What comments and white space before the picture may come to. */
    private static final int MAX_HEADER = 64 << 10;

    private PnmFile() {}

    /**
     * The header.
     *
     * @param kind 1 to 6
     * @param limit the largest sample, 1 to 65,535
     * @param data where the samples begin
     */
    private record Header(int kind, int width, int height, int limit, int data) {
        boolean bits() {
            return kind == 1 || kind == 4;
        }

        boolean text() {
            return kind <= 3;
        }

        int channels() {
            return kind == 3 || kind == 6 ? 3 : 1;
        }

        /** The fewest bytes that can hold the samples. */
        long needed() {
            long samples = (long) width * height * channels();
            return switch (kind) {
                case 1 -> samples;
                case 2, 3 -> 2 * samples - 1;
                case 4 -> (width + 7L) / 8 * height;
                default -> samples * (limit > 255 ? 2 : 1);
            };
        }
    }

    /** Whether the bytes begin as a picture does, with two numbers: much text begins with P and a digit. */
    static boolean starts(ByteBuffer bytes) {
        if (bytes.limit() < 7 || bytes.get(0) != 'P' || bytes.get(1) < '1' || bytes.get(1) > '6') {
            return false;
        }
        try {
            var reader = new Reader(bytes, 2);
            reader.number();
            reader.number();
            return true;
        } catch (UndecodableException | IndexOutOfBoundsException e) {
            return false;
        }
    }

    static ImageHeader header(ByteBuffer bytes) throws UndecodableException {
        Header header = read(bytes);
        long left = bytes.limit() - header.data;
        if (header.width > 0 && header.height > 0 && left < header.needed()) {
            throw UndecodableException.truncated("PNM: " + left + " of at least " + header.needed() + " bytes for "
                    + header.width + " x " + header.height);
        }
        return new ImageHeader(Format.PNM, header.width, header.height, 1, 1);
    }

    /** Writes the picture. {@code rgb} has room for the size of {@link #header}. */
    static void decode(ByteBuffer bytes, ImageHeader size, byte[] rgb) throws UndecodableException {
        Header header = read(bytes);
        byte[] levels = levels(header);
        var reader = new Reader(bytes, header.data);
        int samples = size.width() * header.channels();
        int to = 0;
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < samples; x++) {
                int sample = sample(bytes, header, reader, y, x, samples);
                if (sample > header.limit) {
                    throw UndecodableException.corrupt(
                            "PNM: a sample of " + sample + " where " + header.limit + " is the largest");
                }
                byte level = levels[sample];
                rgb[to++] = level;
                if (header.channels() == 1) {
                    rgb[to++] = level;
                    rgb[to++] = level;
                }
            }
        }
    }

    private static int sample(ByteBuffer bytes, Header header, Reader reader, int y, int x, int samples)
            throws UndecodableException {
        if (header.text()) {
            return header.bits() ? reader.bit() : reader.number();
        }
        if (header.bits()) {
            return bytes.get(header.data + y * ((samples + 7) / 8) + x / 8) >> 7 - x % 8 & 1;
        }
        int at = y * samples + x;
        return header.limit > 255 ? bytes.getShort(header.data + 2 * at) & 0xFFFF : bytes.get(header.data + at) & 0xFF;
    }

    /** The 8-bit level of each sample, rounded as Pillow does in {@code PpmImagePlugin.py}; a set bit is black. */
    private static byte[] levels(Header header) {
        var levels = new byte[header.limit + 1];
        // deep gray goes to 16 bits there, of which the house keeps the higher 8
        boolean deepGray = header.limit > 255 && header.channels() == 1;
        for (int i = 0; i < levels.length; i++) {
            levels[i] = deepGray
                    ? (byte) ((int) Math.rint(i * 65_535.0 / header.limit) >> 8)
                    : (byte) Math.rint(i * 255.0 / header.limit);
            if (header.bits()) {
                levels[i] = (byte) ~levels[i];
            }
        }
        return levels;
    }

    private static Header read(ByteBuffer bytes) throws UndecodableException {
        int kind = bytes.get(1) - '0';
        var reader = new Reader(bytes, 2);
        int width = reader.number();
        int height = reader.number();
        boolean bits = kind == 1 || kind == 4;
        int limit = bits ? 1 : reader.number();
        if (limit < 1 || limit > 65_535) {
            throw UndecodableException.corrupt("PNM: its largest sample is to be " + limit);
        }
        // one byte of white space parts raw samples from the header
        return new Header(kind, width, height, limit, kind <= 3 ? reader.at : reader.at + 1);
    }

    /** Reads numbers among white space and comments, which go from {@code #} to the end of their line. */
    private static final class Reader {
        private final ByteBuffer bytes;
        private int at;

        Reader(ByteBuffer bytes, int at) {
            this.bytes = bytes;
            this.at = at;
        }

        /** The next number, its end white space or the end of the file. */
        int number() throws UndecodableException {
            skip();
            int start = at;
            long value = 0;
            while (at < bytes.limit() && bytes.get(at) >= '0' && bytes.get(at) <= '9') {
                value = 10 * value + bytes.get(at) - '0';
                if (value > Integer.MAX_VALUE) {
                    throw UndecodableException.corrupt("PNM: a number too large at byte " + start);
                }
                at++;
            }
            if (at == start || (at < bytes.limit() && !isSpace(bytes.get(at)))) {
                throw notANumber();
            }
            return (int) value;
        }

        /** The next bit of the text form, where white space between them may be missing. */
        int bit() throws UndecodableException {
            skip();
            int bit = bytes.get(at) - '0';
            if (bit != 0 && bit != 1) {
                throw notANumber();
            }
            at++;
            return bit;
        }

        private void skip() throws UndecodableException {
            int limit = Math.min(bytes.limit(), at + MAX_HEADER);
            while (at < limit) {
                byte next = bytes.get(at);
                if (next == '#') {
                    while (at < limit && bytes.get(at) != '\n' && bytes.get(at) != '\r') {
                        at++;
                    }
                } else if (isSpace(next)) {
                    at++;
                } else {
                    return;
                }
            }
            if (at == bytes.limit()) {
                throw UndecodableException.truncated("PNM: the file ends where a number belongs");
            }
            throw UndecodableException.corrupt("PNM: nothing but comments up to byte " + at);
        }

        private UndecodableException notANumber() {
            return UndecodableException.corrupt("PNM: no number where one belongs, at byte " + at);
        }

        private static boolean isSpace(byte b) {
            return b == ' ' || (b >= '\t' && b <= '\r');
        }
    }
}
