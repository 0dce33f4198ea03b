package lenstream.search;

/** How long calls of each size take, smoothed. Confined by its owner's lock. */
final class ServiceTime {
    private static final double SMOOTHING = 0.2;

    private final double[] nanos; // by size; 0 where nothing was measured yet

    /** @param most the largest size */
    ServiceTime(int most) {
        nanos = new double[most + 1];
    }

    void sample(int size, long taken) {
        nanos[size] = nanos[size] == 0 ? taken : (1 - SMOOTHING) * nanos[size] + SMOOTHING * taken;
    }

    /** In nanoseconds. A size that was not measured counts as the next smaller one in proportion, or as the next larger one; 0 at first. */
    long of(int size) {
        for (int smaller = size; smaller > 0; smaller--) {
            if (nanos[smaller] > 0) {
                return (long) (nanos[smaller] * size / smaller);
            }
        }
        for (int larger = size + 1; larger < nanos.length; larger++) {
            if (nanos[larger] > 0) {
                return (long) nanos[larger];
            }
        }
        return 0;
    }
}
