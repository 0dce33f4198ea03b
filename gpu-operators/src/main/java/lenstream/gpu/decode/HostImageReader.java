package lenstream.gpu.decode;

import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Reads PNGs and progressive JPEGs as far as a device can go on: the serial part, which the CPU is better at. Thread-safe; each
 * image is read by the thread that asks.
 */
public final class HostImageReader {
    private final DecodeRules rules;
    private final PixelPool samples;
    private final CoefficientArrays coefficients;
    private final ArrayBlockingQueue<PngReader> pngReaders;
    private final ArrayBlockingQueue<ProgressiveJpeg> jpegReaders;

    /** @param threads how many threads read at once */
    public HostImageReader(DecodeRules rules, int threads) {
        this.rules = rules;
        this.samples = new PixelPool(4 * threads);
        this.coefficients = new CoefficientArrays(4 * threads);
        this.pngReaders = new ArrayBlockingQueue<>(threads);
        this.jpegReaders = new ArrayBlockingQueue<>(threads);
    }

    /** Whether the image is of a kind that is read here, as far as its first bytes tell. */
    public static boolean mayRead(Format format, byte[] image) {
        return switch (format) {
            case PNG -> PngReader.mayRead(image);
            case JPEG -> ProgressiveJpeg.is(image);
            default -> false;
        };
    }

    /**
     * Reads an image whose header is sound.
     *
     * @param image borrowed for the time of the call
     * @return the caller owns it; null if the image has to be decoded, or judged, by a {@link HostImageDecoder}
     */
    public @Nullable Unfinished read(Format format, byte[] image) {
        if (format == Format.PNG) {
            PngReader idle = pngReaders.poll();
            PngReader reader = idle == null ? new PngReader() : idle;
            Unfinished.Png png = reader.read(image, rules.ground(), samples);
            pngReaders.offer(reader);
            return png;
        }
        ProgressiveJpeg idle = jpegReaders.poll();
        ProgressiveJpeg reader = idle == null ? new ProgressiveJpeg(coefficients) : idle;
        Unfinished.Jpeg jpeg = reader.read(image);
        jpegReaders.offer(reader);
        return jpeg;
    }
}
