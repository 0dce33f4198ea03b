package lenstream.gpu.decode;

/**
 * The pixels of coefficients, one step after the other, as libjpeg-turbo makes them: islow DCT (jidctint.c), fancy upsampling
 * (jdsample.c), conversion (jdcolor.c). What a device does has to come out the same.
 */
public final class JpegReference {
    private static final int[] ORDER = {
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
        21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
        61, 54, 47, 55, 62, 63
    };

    private JpegReference() {}

    /** Interleaved RGB in the stored orientation. */
    public static byte[] rgb(Unfinished.Jpeg jpeg) {
        int luma = jpeg.lumaColumns() * jpeg.lumaRows();
        int chroma = jpeg.chromaColumns() * jpeg.chromaRows();
        int[] y = plane(jpeg, 0, 0, jpeg.lumaColumns(), jpeg.lumaRows());
        var rgb = new byte[3 * jpeg.width() * jpeg.height()];
        int[] blue = {};
        int[] red = {};
        if (jpeg.components() == 3) {
            blue = upsampled(jpeg, plane(jpeg, 1, luma, jpeg.chromaColumns(), jpeg.chromaRows()));
            red = upsampled(jpeg, plane(jpeg, 2, luma + chroma, jpeg.chromaColumns(), jpeg.chromaRows()));
        }
        for (int row = 0; row < jpeg.height(); row++) {
            for (int x = 0; x < jpeg.width(); x++) {
                int at = row * jpeg.width() + x;
                int light = y[row * 8 * jpeg.lumaColumns() + x];
                int cb = jpeg.components() == 3 ? blue[at] - 128 : 0;
                int cr = jpeg.components() == 3 ? red[at] - 128 : 0;
                rgb[3 * at] = clamp(light + (91881 * cr + 32768 >> 16));
                rgb[3 * at + 1] = clamp(light + (-22554 * cb - 46802 * cr + 32768 >> 16));
                rgb[3 * at + 2] = clamp(light + (116130 * cb + 32768 >> 16));
            }
        }
        return rgb;
    }

    private static byte clamp(int value) {
        return (byte) Math.clamp(value, 0, 255);
    }

    private static int[] plane(Unfinished.Jpeg jpeg, int component, int start, int columns, int rows) {
        var plane = new int[64 * columns * rows];
        var values = new int[64];
        for (int block = 0; block < columns * rows; block++) {
            boolean below = false;
            for (int k = 0; k < 64; k++) {
                short coefficient = jpeg.coefficients()[64 * (start + block) + k];
                for (int bit = jpeg.correctedBits() - 1; bit >= 0; bit--) {
                    long mask = jpeg.corrections()[bit * jpeg.blocks() + start + block];
                    int more = (int) (mask >>> 63 - k & 1) << bit;
                    coefficient += (short) (coefficient < 0 ? -more : more);
                }
                values[ORDER[k]] = (short) (coefficient * (jpeg.quantisers()[component][k] & 0xFF));
                below |= ORDER[k] > 7 && values[ORDER[k]] != 0;
            }
            for (int x = 0; x < 8; x++) {
                idct(values, x, 8, 11);
            }
            for (int i = 0; i < 64; i++) { // SIMD code reckons in 16 bits, which shows in broken pictures
                values[i] = below ? Math.clamp(values[i], -32768, 32767) : (short) values[i];
            }
            for (int y = 0; y < 8; y++) {
                idct(values, 8 * y, 1, 18);
            }
            for (int i = 0; i < 64; i++) {
                int line = block / columns * 8 + i / 8;
                plane[line * 8 * columns + block % columns * 8 + i % 8] = clamp(values[i] + 128) & 0xFF;
            }
        }
        return plane;
    }

    private static void idct(int[] v, int at, int step, int bits) {
        int z1 = (v[at + 2 * step] + v[at + 6 * step]) * 4433;
        int even2 = z1 - v[at + 6 * step] * 15137;
        int even3 = z1 + v[at + 2 * step] * 6270;
        int even0 = (short) (v[at] + v[at + 4 * step]) << 13;
        int even1 = (short) (v[at] - v[at + 4 * step]) << 13;
        int z73 = (short) (v[at + 7 * step] + v[at + 3 * step]);
        int z51 = (short) (v[at + 5 * step] + v[at + step]);
        int z5 = (z73 + z51) * 9633;
        z1 = (v[at + 7 * step] + v[at + step]) * -7373;
        int z2 = (v[at + 5 * step] + v[at + 3 * step]) * -20995;
        int z3 = z73 * -16069 + z5;
        int z4 = z51 * -3196 + z5;
        int[] even = {even0 + even3, even1 + even2, even1 - even2, even0 - even3};
        int[] odd = {
            v[at + step] * 12299 + z1 + z4,
            v[at + 3 * step] * 25172 + z2 + z3,
            v[at + 5 * step] * 16819 + z2 + z4,
            v[at + 7 * step] * 2446 + z1 + z3
        };
        for (int i = 0; i < 4; i++) {
            v[at + i * step] = even[i] + odd[i] + (1 << bits - 1) >> bits;
            v[at + (7 - i) * step] = even[i] - odd[i] + (1 << bits - 1) >> bits;
        }
    }

    private static int[] upsampled(Unfinished.Jpeg jpeg, int[] plane) {
        int columns = (jpeg.width() + jpeg.wide() - 1) / jpeg.wide();
        int rows = (jpeg.height() + jpeg.tall() - 1) / jpeg.tall();
        int line = 8 * jpeg.chromaColumns();
        boolean smooth = jpeg.wide() == 1 || columns > 2;
        var out = new int[jpeg.width() * jpeg.height()];
        for (int y = 0; y < jpeg.height(); y++) {
            int here = y / jpeg.tall() * line;
            int there = Math.clamp(y / jpeg.tall() + (y % 2 == 0 ? -1 : 1), 0, rows - 1) * line;
            for (int x = 0; x < jpeg.width(); x++) {
                int column = x / jpeg.wide();
                int beside = Math.clamp(column + (x % 2 == 0 ? -1 : 1), 0, columns - 1);
                int value = plane[here + column];
                if (smooth && jpeg.tall() == 2) {
                    int sum = 3 * value + plane[there + column];
                    value = jpeg.wide() == 1
                            ? sum + 1 + y % 2 >> 2
                            : 3 * sum + 3 * plane[here + beside] + plane[there + beside] + 8 - x % 2 >> 4;
                } else if (smooth && jpeg.wide() == 2) {
                    value = 3 * value + plane[here + beside] + 1 + x % 2 >> 2;
                }
                out[y * jpeg.width() + x] = value;
            }
        }
        return out;
    }
}
