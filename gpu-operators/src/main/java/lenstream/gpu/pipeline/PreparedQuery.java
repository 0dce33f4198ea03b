package lenstream.gpu.pipeline;

import java.nio.FloatBuffer;
import lenstream.gpu.preprocess.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * An image that somebody searches with, as the image tower takes it: what is left to do can be done for several of them at
 * once. Holds a place in the pipeline until it is closed by whoever asked for it. Confined to one thread at a time.
 */
public final class PreparedQuery implements AutoCloseable {
    private static final Runnable NOTHING = () -> {};

    private final @Nullable HostTensor tensor;
    private final @Nullable FloatBuffer values;
    private final float @Nullable [] vector;
    private final int width;
    private final int height;
    private final String mime;
    private Runnable release;

    private PreparedQuery(
            @Nullable HostTensor tensor,
            @Nullable FloatBuffer values,
            float @Nullable [] vector,
            int width,
            int height,
            String mime,
            Runnable release) {
        this.tensor = tensor;
        this.values = values;
        this.vector = vector;
        this.width = width;
        this.height = height;
        this.mime = mime;
        this.release = release;
    }

    /**
     * @param tensor of one row
     * @param release gives the tensor back
     */
    static PreparedQuery in(HostTensor tensor, Stages.Prepared read, String mime, Runnable release) {
        return new PreparedQuery(tensor, tensor.rowView(0), null, read.width(), read.height(), mime, release);
    }

    /** @param values of one row, borrowed */
    static PreparedQuery of(FloatBuffer values) {
        return new PreparedQuery(null, values, null, 0, 0, "", NOTHING);
    }

    /** One whose work is done. */
    static PreparedQuery of(QueryImage done) {
        return new PreparedQuery(null, null, done.embedding(), done.width(), done.height(), done.mime(), NOTHING);
    }

    /** The tensor whose only row it is; null if it lies elsewhere. */
    @Nullable
    HostTensor tensor() {
        return tensor;
    }

    /** What the tower takes, {@code [3, size, size]}; null if the vector is there already. */
    @Nullable
    FloatBuffer values() {
        return values == null ? null : values.duplicate();
    }

    float @Nullable [] vector() {
        return vector;
    }

    /** The same with its vector. */
    QueryImage with(float[] embedding) {
        return new QueryImage(embedding, width, height, mime);
    }

    /**
     * The preprocessed image, for a tower that runs elsewhere: {@code [3, size, size]}, row by row.
     *
     * @throws IllegalStateException if a device has kept it
     */
    public float[] toArray() {
        FloatBuffer view = values();
        if (view == null) {
            throw new IllegalStateException("the tensor of this image is on a device");
        }
        var copy = new float[view.remaining()];
        view.get(copy);
        return copy;
    }

    /** Gives its place back; a second call does nothing. */
    @Override
    public void close() {
        Runnable once = release;
        release = NOTHING;
        once.run();
    }
}
