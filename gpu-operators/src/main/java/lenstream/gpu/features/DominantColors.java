package lenstream.gpu.features;

import java.util.List;
import java.util.stream.IntStream;
import lenstream.core.image.PixelFeatures;

/**
 * The colours that most of a picture has. Each pixel of a grid of at most {@value #GRID} x {@value #GRID} is given one of
 * the names of {@link PixelFeatures#COLORS} by hue, saturation and value; the names follow the eleven basic colour terms
 * of Berlin and Kay, 1969, and teal, which image searches offer beside them.
 *
 * @param names one to three, the largest share first
 * @param hex mean of the pixels of the first
 */
record DominantColors(List<String> names, String hex) {
    private static final int GRID = 64;
    private static final int MOST = 3;
    /** A colour that fewer of the pixels have is an accent. The largest counts in any case. */
    private static final double LEAST_SHARE = 0.12;

    private static final int BLACK = 0;
    private static final int GRAY = 1;
    private static final int WHITE = 2;
    private static final int RED = 3;
    private static final int ORANGE = 4;
    private static final int BROWN = 5;
    private static final int YELLOW = 6;
    private static final int GREEN = 7;
    private static final int TEAL = 8;
    private static final int BLUE = 9;
    private static final int PURPLE = 10;
    private static final int PINK = 11;

    /** The name of each colour of five bits a channel. */
    private static final byte[] NAMES = names(5);

    static DominantColors of(byte[] rgb, int width, int height) {
        int columns = Math.min(GRID, width);
        int rows = Math.min(GRID, height);
        int names = PixelFeatures.COLORS.size();
        var counts = new int[names];
        var sums = new int[names][3];
        for (int row = 0; row < rows; row++) {
            int y = row * height / rows;
            for (int column = 0; column < columns; column++) {
                int at = (y * width + column * width / columns) * 3;
                int red = rgb[at] & 0xFF;
                int green = rgb[at + 1] & 0xFF;
                int blue = rgb[at + 2] & 0xFF;
                int name = NAMES[(red >> 3) << 10 | (green >> 3) << 5 | blue >> 3];
                counts[name]++;
                sums[name][0] += red;
                sums[name][1] += green;
                sums[name][2] += blue;
            }
        }
        int[] order = IntStream.range(0, names)
                .boxed()
                .sorted((a, b) -> Integer.compare(counts[b], counts[a]))
                .mapToInt(Integer::intValue)
                .toArray();
        int first = order[0];
        double least = LEAST_SHARE * rows * columns;
        List<String> kept = IntStream.range(0, MOST)
                .filter(i -> i == 0 || counts[order[i]] >= least)
                .mapToObj(i -> PixelFeatures.COLORS.get(order[i]))
                .toList();
        String hex = String.format(
                "#%02x%02x%02x",
                sums[first][0] / counts[first], sums[first][1] / counts[first], sums[first][2] / counts[first]);
        return new DominantColors(kept, hex);
    }

    private static byte[] names(int bits) {
        int levels = 1 << bits;
        var names = new byte[levels * levels * levels];
        double most = levels - 1;
        for (int i = 0; i < names.length; i++) {
            names[i] = (byte) name((i >> 2 * bits) / most, (i >> bits & levels - 1) / most, (i & levels - 1) / most);
        }
        return names;
    }

    /** The name of a colour whose channels are 0 to 1. */
    private static int name(double red, double green, double blue) {
        double value = Math.max(red, Math.max(green, blue));
        double chroma = value - Math.min(red, Math.min(green, blue));
        double saturation = value == 0 ? 0 : chroma / value;
        if (value < 0.18) {
            return BLACK;
        }
        if (saturation < 0.13) {
            return value > 0.86 ? WHITE : value < 0.25 ? BLACK : GRAY;
        }
        return ofHue(hue(red, green, blue, value, chroma), saturation, value);
    }

    /** Degrees, red is 0. */
    private static double hue(double red, double green, double blue, double value, double chroma) {
        double sixth = value == red
                ? ((green - blue) / chroma + 6) % 6
                : value == green ? (blue - red) / chroma + 2 : (red - green) / chroma + 4;
        return sixth * 60;
    }

    private static int ofHue(double hue, double saturation, double value) {
        if (hue < 14 || hue >= 345) {
            return saturation < 0.5 ? value > 0.7 ? PINK : BROWN : RED;
        }
        if (hue < 45) {
            return value < 0.62 || saturation < 0.45 ? BROWN : ORANGE;
        }
        if (hue < 68) {
            return value < 0.4 ? BROWN : YELLOW;
        }
        if (hue < 160) {
            return GREEN;
        }
        if (hue < 195) {
            return TEAL;
        }
        if (hue < 258) {
            return BLUE;
        }
        if (hue < 295) {
            return PURPLE;
        }
        return value < 0.5 ? PURPLE : PINK;
    }
}
