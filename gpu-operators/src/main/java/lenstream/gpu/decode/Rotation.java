package lenstream.gpu.decode;

/**
 * The eight EXIF orientations on interleaved RGB. Source: EXIF 2.32, tag 0x0112: 1 none, 2 mirror horizontal, 3 rotate
 * 180, 4 mirror vertical, 5 transpose, 6 rotate 90 clockwise, 7 transverse, 8 rotate 90 counter-clockwise.
 */
final class Rotation {
    private Rotation() {}

    /** Whether width and height change places. */
    static boolean swapsSides(int orientation) {
        return orientation >= 5;
    }

    /** Writes {@code source} (stored size {@code width} x {@code height}) into {@code target} as it is to be seen. */
    static void apply(int orientation, byte[] source, int width, int height, byte[] target) {
        int outWidth = swapsSides(orientation) ? height : width;
        for (int y = 0; y < height; y++) {
            int from = y * width * 3;
            // where the row's first pixel lands, and how far its neighbour is from it
            int firstX;
            int firstY;
            int step;
            switch (orientation) {
                case 2 -> {
                    firstX = width - 1;
                    firstY = y;
                    step = -1;
                }
                case 3 -> {
                    firstX = width - 1;
                    firstY = height - 1 - y;
                    step = -1;
                }
                case 4 -> {
                    firstX = 0;
                    firstY = height - 1 - y;
                    step = 1;
                }
                case 5 -> {
                    firstX = y;
                    firstY = 0;
                    step = outWidth;
                }
                case 6 -> {
                    firstX = height - 1 - y;
                    firstY = 0;
                    step = outWidth;
                }
                case 7 -> {
                    firstX = height - 1 - y;
                    firstY = width - 1;
                    step = -outWidth;
                }
                case 8 -> {
                    firstX = y;
                    firstY = width - 1;
                    step = -outWidth;
                }
                default -> {
                    firstX = 0;
                    firstY = y;
                    step = 1;
                }
            }
            int to = (firstY * outWidth + firstX) * 3;
            for (int x = 0; x < width; x++) {
                target[to] = source[from];
                target[to + 1] = source[from + 1];
                target[to + 2] = source[from + 2];
                from += 3;
                to += step * 3;
            }
        }
    }
}
