package lenstream.gpu.decode;

import org.jspecify.annotations.Nullable;

/**
 * A frame as a video decoder gives it, plane by plane, and its way to RGB. Chroma is upsampled linearly between sample
 * centres, as libavif does.
 *
 * @param samples gray, or luma and two planes of chroma, or green, blue and red: 8 to 12-bit samples, without row padding
 * @param alpha the plane of alpha at full size, of the same depth and range; null where there is none
 * @param shiftX how many times chroma is halved horizontally
 * @param depth bits a sample
 * @param matrix as in ITU-T H.273
 * @param rgb whether the planes are green, blue, red
 */
record Planes(
        short[][] samples,
        short @Nullable [] alpha,
        int width,
        int height,
        int shiftX,
        int shiftY,
        int depth,
        boolean fullRange,
        int matrix,
        boolean rgb) {

    /** The alpha of this picture as a picture of its own. */
    @Nullable
    Planes alphaPlanes() {
        return alpha == null
                ? null
                : new Planes(new short[][] {alpha}, null, width, height, 0, 0, depth, fullRange, matrix, false);
    }

    /** Holds the frame to the size that the file's header gave, by which memory was set aside. */
    void checkSize(ImageHeader header) throws UndecodableException {
        if (width != header.width() || height != header.height()) {
            throw UndecodableException.corrupt(header.format() + ": decoded to " + width + " x " + height
                    + ", its header says " + header.width() + " x " + header.height());
        }
    }

    private int chromaWidth() {
        return (width + (1 << shiftX) - 1) >> shiftX;
    }

    /**
     * Writes the picture as RGB.
     *
     * @param over the alpha to composite it with; null for none
     * @param matrix and {@code fullRange}, what the container says of them, which counts for more than the stream
     */
    void toRgb(@Nullable Planes over, int matrix, boolean fullRange, Ground ground, byte[] out) {
        double max = (1 << depth) - 1;
        double unit = 1 << (depth - 8);
        double black = fullRange ? 0 : 16 * unit;
        double lumaRange = fullRange ? max : 219 * unit;
        double chromaRange = fullRange ? max : 224 * unit;
        double middle = 128 * unit;
        double[] k = coefficients(matrix);
        double kr = k[0];
        double kb = k[1];
        double kg = 1 - kr - kb;
        boolean gray = samples.length == 1;
        boolean identity = rgb || matrix == 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = y * width + x;
                double red;
                double green;
                double blue;
                double luma = (samples[0][at] - black) / lumaRange;
                if (gray) {
                    red = luma;
                    green = luma;
                    blue = luma;
                } else if (identity) {
                    green = luma;
                    blue = (samples[1][at] - black) / lumaRange;
                    red = (samples[2][at] - black) / lumaRange;
                } else {
                    double cb = (chroma(1, x, y) - middle) / chromaRange;
                    double cr = (chroma(2, x, y) - middle) / chromaRange;
                    red = luma + 2 * (1 - kr) * cr;
                    blue = luma + 2 * (1 - kb) * cb;
                    green = luma - (2 * kr * (1 - kr) * cr + 2 * kb * (1 - kb) * cb) / kg;
                }
                int a = over == null ? 255 : over.sample(at);
                out[3 * at] = ground.over(level(red), a);
                out[3 * at + 1] = ground.over(level(green), a);
                out[3 * at + 2] = ground.over(level(blue), a);
            }
        }
    }

    private static int level(double value) {
        return (int) Math.clamp(value * 255 + 0.5, 0, 255);
    }

    private int sample(int at) {
        double max = (1 << depth) - 1;
        double value = fullRange
                ? samples[0][at] / max
                : (samples[0][at] - (16 << (depth - 8))) / (double) (219 << (depth - 8));
        return level(value);
    }

    /** Chroma at a luma position: between the nearest sample centres, weights 3/4 and 1/4 a halved axis. */
    private double chroma(int plane, int x, int y) {
        int columns = chromaWidth();
        int rows = (height + (1 << shiftY) - 1) >> shiftY;
        short[] chroma = samples[plane];
        int nearX = x >> shiftX;
        int nearY = y >> shiftY;
        int farX = shiftX == 0 ? nearX : Math.clamp(nearX + ((x & 1) == 0 ? -1 : 1), 0, columns - 1);
        int farY = shiftY == 0 ? nearY : Math.clamp(nearY + ((y & 1) == 0 ? -1 : 1), 0, rows - 1);
        double near = 0.75 * chroma[nearY * columns + nearX] + 0.25 * chroma[nearY * columns + farX];
        double far = 0.75 * chroma[farY * columns + nearX] + 0.25 * chroma[farY * columns + farX];
        return 0.75 * near + 0.25 * far;
    }

    /** Kr and Kb of ITU-T H.273, table 4; BT.601 where the file does not say. */
    private static double[] coefficients(int matrix) {
        return switch (matrix) {
            case 1 -> new double[] {0.2126, 0.0722};
            case 4 -> new double[] {0.30, 0.11};
            case 7 -> new double[] {0.212, 0.087};
            case 9, 10 -> new double[] {0.2627, 0.0593};
            default -> new double[] {0.299, 0.114};
        };
    }
}
