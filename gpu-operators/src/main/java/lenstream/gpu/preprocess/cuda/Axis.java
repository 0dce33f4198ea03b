package lenstream.gpu.preprocess.cuda;

/**
 * Which inputs an output position of one axis is made of: the same arithmetic as the kernels' {@code span} and Pillow 12.0's
 * {@code precompute_coeffs}.
 *
 * @param support half the filter's width before stretching: 2 for bicubic, 1 for bilinear
 */
record Axis(int in, int out, double support) {

    private double stretched() {
        return support * Math.max((double) in / out, 1);
    }

    private double centre(int position) {
        return (position + 0.5) * ((double) in / out);
    }

    /** The first input of an output position. */
    int first(int position) {
        return Math.max(0, (int) (centre(position) - stretched() + 0.5));
    }

    /** Behind the last input of an output position. */
    int end(int position) {
        return Math.min(in, (int) (centre(position) + stretched() + 0.5));
    }

    /** The most inputs that a position can have. */
    int taps() {
        return (int) Math.ceil(stretched()) * 2 + 1;
    }
}
