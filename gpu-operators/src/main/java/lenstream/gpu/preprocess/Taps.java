package lenstream.gpu.preprocess;

import lenstream.core.model.Preprocessing.Interpolation;

/**
 * The weights with which one axis is resampled, for a range of output positions, in Pillow's 22-bit fixed point.
 *
 * <p>Source: Pillow 12.0 {@code libImaging/Resample.c}, {@code precompute_coeffs} and {@code normalize_coeffs_8bpc}. Bicubic
 * has a = -0.5; a filter is stretched when it shrinks, so it always antialiases.
 *
 * @param first first input position of each output position
 * @param count inputs of each output position
 * @param weights {@code stride} weights an output position
 */
record Taps(int[] first, int[] count, int[] weights, int stride) {
    static final int PRECISION_BITS = 22;

    static final int HALF = 1 << (PRECISION_BITS - 1);

    /**
     * @param in length of the input axis
     * @param out length of the whole output axis
     * @param from first output position wanted
     * @param length how many are wanted
     */
    static Taps of(Interpolation interpolation, int in, int out, int from, int length) {
        double scale = (double) in / out;
        double stretch = Math.max(scale, 1);
        double support = (interpolation == Interpolation.BICUBIC ? 2 : 1) * stretch;
        int stride = (int) Math.ceil(support) * 2 + 1;
        var first = new int[length];
        var count = new int[length];
        var weights = new int[length * stride];
        var values = new double[stride];
        for (int i = 0; i < length; i++) {
            double centre = (from + i + 0.5) * scale;
            int start = Math.max(0, (int) (centre - support + 0.5));
            int end = Math.min(in, (int) (centre + support + 0.5));
            double sum = 0;
            for (int j = 0; j < end - start; j++) {
                double x = (j + start - centre + 0.5) * (1.0 / stretch);
                values[j] = interpolation == Interpolation.BICUBIC ? bicubic(x) : triangle(x);
                sum += values[j];
            }
            first[i] = start;
            count[i] = end - start;
            for (int j = 0; j < end - start; j++) {
                double value = sum == 0 ? values[j] : values[j] * (1.0 / sum);
                double fixed = value * (1 << PRECISION_BITS);
                weights[i * stride + j] = (int) (fixed < 0 ? fixed - 0.5 : fixed + 0.5);
            }
        }
        return new Taps(first, count, weights, stride);
    }

    /** The first input position that any output uses. */
    int firstInput() {
        return first[0];
    }

    /** One past the last input position that any output uses. */
    int endInput() {
        return first[first.length - 1] + count[count.length - 1];
    }

    private static double bicubic(double position) {
        double x = Math.abs(position);
        if (x < 1) {
            return (1.5 * x - 2.5) * x * x + 1;
        }
        if (x < 2) {
            return (((x - 5) * x + 8) * x - 4) * -0.5;
        }
        return 0;
    }

    private static double triangle(double position) {
        double x = Math.abs(position);
        return x < 1 ? 1 - x : 0;
    }
}
