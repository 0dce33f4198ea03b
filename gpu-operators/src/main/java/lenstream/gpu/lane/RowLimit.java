package lenstream.gpu.lane;

/** How many images a batch may have; halved at most once. Thread-safe. */
final class RowLimit {
    private final int most;
    private volatile boolean halved;

    RowLimit(int most) {
        this.most = most;
    }

    int rows() {
        return halved ? Math.max(1, most / 2) : most;
    }

    /** Whether this call halved it. */
    synchronized boolean halve() {
        if (halved || most == 1) {
            return false;
        }
        halved = true;
        return true;
    }
}
