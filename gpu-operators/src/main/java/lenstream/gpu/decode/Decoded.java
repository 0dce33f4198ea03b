package lenstream.gpu.decode;

import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/** What became of one image of a batch. */
public sealed interface Decoded {

    /**
     * Decoded.
     *
     * @param pixels owned by the receiver
     * @param format sniffed
     * @param frames frames in the file, 1 for a still image; the first one was decoded
     */
    record Image(Pixels pixels, Format format, int frames) implements Decoded {}

    /**
     * Not decoded.
     *
     * @param format sniffed, null if it is none that can be decoded
     * @param reason why, for programs
     * @param detail why, for people
     */
    record Rejected(@Nullable Format format, Reason reason, String detail) implements Decoded {}
}
