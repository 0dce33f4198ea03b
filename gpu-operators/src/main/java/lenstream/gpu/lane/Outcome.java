package lenstream.gpu.lane;

import lenstream.core.image.PixelFeatures;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.gpu.decode.Format;
import org.jspecify.annotations.Nullable;

/** What became of one image. */
public sealed interface Outcome {

    /**
     * Embedded.
     *
     * @param width after orientation
     * @param height after orientation
     * @param embedding never written after construction
     * @param thumbnail JPEG; null if none were asked for
     * @param features computed from the thumbnail's pixels; null if none were asked for
     */
    record Embedded(
            Format format,
            int width,
            int height,
            int frames,
            float[] embedding,
            byte @Nullable [] thumbnail,
            @Nullable PixelFeatures features)
            implements Outcome {}

    /** Rejected; its neighbours are not affected. */
    record Rejected(@Nullable Format format, Stage stage, Reason reason, String detail) implements Outcome {}
}
