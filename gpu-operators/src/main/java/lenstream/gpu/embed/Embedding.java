package lenstream.gpu.embed;

/** What an encoder made of one input. */
public sealed interface Embedding {

    /** A usable vector: finite, of unit length if the encoder says so; never written after construction. */
    record Vector(float[] values) implements Embedding {}

    /** No usable vector: zero or not finite. */
    record Bad(String detail) implements Embedding {}

    /**
     * Checks a raw output and scales it to unit length. Sums are taken in double precision.
     *
     * @param values raw outputs of several inputs, one after the other
     * @param start where this input's values begin
     */
    static Embedding of(float[] values, int start, int dim, boolean normalise) {
        double squares = 0;
        for (int i = 0; i < dim; i++) {
            squares += (double) values[start + i] * values[start + i];
        }
        if (!Double.isFinite(squares)) {
            return new Bad("the encoder's output is not finite");
        }
        if (squares == 0) {
            return new Bad("the encoder's output is the zero vector");
        }
        double scale = normalise ? 1 / Math.sqrt(squares) : 1;
        var vector = new float[dim];
        for (int i = 0; i < dim; i++) {
            vector[i] = (float) (values[start + i] * scale);
        }
        return new Vector(vector);
    }
}
