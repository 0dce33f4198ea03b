package lenstream.gpu.ocr;

import java.util.Arrays;

/**
 * Where a line of text lies: a rectangle at any angle. Immutable.
 *
 * @param x of its corners: upper left, upper right, lower right, lower left; never written after construction
 * @param y of the same
 * @param score mean probability of text within
 */
record Quad(float[] x, float[] y, double score) {
    /** What is this much higher than wide is a line that runs upwards or downwards. Source: PP-OCR. */
    private static final double UPRIGHT = 1.5;

    /**
     * A rectangle by centre, sides and angle, as OpenCV's {@code RotatedRect} gives it; its corners in our order. Source:
     * {@code cv::RotatedRect::points}, and PP-OCR's order of corners: of the two left ones the upper comes first.
     */
    static Quad of(double centerX, double centerY, double width, double height, double degrees, double score) {
        double radians = Math.toRadians(degrees);
        double b = Math.cos(radians) / 2;
        double a = Math.sin(radians) / 2;
        double[] x = {centerX - a * height - b * width, centerX + a * height - b * width, 0, 0};
        double[] y = {centerY + b * height - a * width, centerY - b * height - a * width, 0, 0};
        for (int i = 0; i < 2; i++) {
            x[i + 2] = 2 * centerX - x[i];
            y[i + 2] = 2 * centerY - y[i];
        }
        Integer[] byX = {0, 1, 2, 3};
        Arrays.sort(byX, (p, q) -> Double.compare(x[p], x[q]));
        boolean firstIsUpper = y[byX[1]] > y[byX[0]];
        boolean thirdIsUpper = y[byX[3]] > y[byX[2]];
        int[] order = {
            byX[firstIsUpper ? 0 : 1], byX[thirdIsUpper ? 2 : 3], byX[thirdIsUpper ? 3 : 2], byX[firstIsUpper ? 1 : 0]
        };
        var cornersX = new float[4];
        var cornersY = new float[4];
        for (int i = 0; i < 4; i++) {
            cornersX[i] = (float) x[order[i]];
            cornersY[i] = (float) y[order[i]];
        }
        return new Quad(cornersX, cornersY, score);
    }

    /** The same in a picture of another scale, cut off at its borders. */
    Quad scaled(double factorX, double factorY, int pictureWidth, int pictureHeight) {
        var cornersX = new float[4];
        var cornersY = new float[4];
        for (int i = 0; i < 4; i++) {
            cornersX[i] = (float) Math.clamp(x[i] * factorX, 0, pictureWidth - 1.0);
            cornersY[i] = (float) Math.clamp(y[i] * factorY, 0, pictureHeight - 1.0);
        }
        return new Quad(cornersX, cornersY, score);
    }

    /** Along the line, if it runs from left to right. */
    double width() {
        return Math.max(side(0, 1), side(3, 2));
    }

    double height() {
        return Math.max(side(0, 3), side(1, 2));
    }

    double top() {
        return Math.min(Math.min(y[0], y[1]), Math.min(y[2], y[3]));
    }

    double bottom() {
        return Math.max(Math.max(y[0], y[1]), Math.max(y[2], y[3]));
    }

    double left() {
        return Math.min(Math.min(x[0], x[1]), Math.min(x[2], x[3]));
    }

    double right() {
        return Math.max(Math.max(x[0], x[1]), Math.max(x[2], x[3]));
    }

    /** Whether the line runs upwards or downwards. */
    boolean isUpright() {
        return height() >= UPRIGHT * width();
    }

    private double side(int from, int to) {
        return Math.hypot(x[from] - x[to], y[from] - y[to]);
    }
}
