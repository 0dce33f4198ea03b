package lenstream.gpu.cuda;

import org.bytedeco.javacpp.BytePointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a thread is doing with a batch, on the time line of NVIDIA's profilers (NVTX): {@code try (var inside =
 * Range.DECODE.enter())}. Does nothing where {@code libjninvtx.so} is not in the folder of natives, or no profiler listens.
 * Thread-safe.
 */
public enum Range {
    /** A decode lane reads headers and copies encoded images into pinned memory. */
    PLACE("lenstream place"),
    /** A decode lane hands a batch to the decoder. */
    DECODE("lenstream decode"),
    /** A decode lane queues the kernels that preprocess. */
    PREPROCESS("lenstream preprocess"),
    /** The embed lane queues a run of the model. */
    EMBED("lenstream embed"),
    /** The finisher hands embeddings to their images. */
    FINISH("lenstream finish"),
    /** A thread of the host reads an image for the device to finish. */
    HOST_READ("lenstream host read"),
    /** A thread of the host decodes an image that the device does not take. */
    HOST_DECODE("lenstream host decode");

    private final String label;

    Range(String label) {
        this.label = label;
    }

    /** Begins; {@link Inside#close()} ends it, on the same thread. */
    public Inside enter() {
        if (Listener.PRESENT) {
            Nvtx.nvtxRangePushA(Listener.LABELS[ordinal()]);
        }
        return Inside.ONE;
    }

    /** A range that has begun. */
    public static final class Inside implements AutoCloseable {
        private static final Inside ONE = new Inside();

        private Inside() {}

        @Override
        public void close() {
            if (Listener.PRESENT) {
                Nvtx.nvtxRangePop();
            }
        }
    }

    /** Loaded with the first range, which comes after {@link Natives#load()}. */
    private static final class Listener {
        private static final Logger LOG = LoggerFactory.getLogger(Range.class);
        private static final boolean PRESENT = present();
        private static final BytePointer[] LABELS = labels();

        private static boolean present() {
            try {
                Nvtx.nvtxRangePushA(new BytePointer("lenstream"));
                Nvtx.nvtxRangePop();
                return true;
            } catch (LinkageError e) {
                LOG.debug("event=no_ranges reason=\"{}\"", e.getMessage());
                return false;
            }
        }

        /** Kept for good, as long as ranges can begin. */
        private static BytePointer[] labels() {
            var labels = new BytePointer[Range.values().length];
            for (Range range : Range.values()) {
                labels[range.ordinal()] = new BytePointer(range.label);
            }
            return labels;
        }
    }
}
