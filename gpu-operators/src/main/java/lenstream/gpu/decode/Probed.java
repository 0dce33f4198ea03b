package lenstream.gpu.decode;

import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/** What the header of an image says, before anything is decoded. */
public sealed interface Probed {

    /**
     * Within the limits and, as far as the header shows, complete.
     *
     * @param width as stored, before orientation
     * @param height as stored, before orientation
     * @param orientation EXIF orientation to apply, 1 to 8; 1 if the encoder's rules ignore it
     * @param frames number of frames, 1 for a still image
     */
    record Image(Format format, int width, int height, int orientation, int frames) implements Probed {}

    /** Not to be decoded. */
    record Rejected(@Nullable Format format, Reason reason, String detail) implements Probed {}
}
