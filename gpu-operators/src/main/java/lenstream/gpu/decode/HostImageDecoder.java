package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes on the CPU: JPEG and WebP by OpenCV, PNG by own code or OpenCV, AVIF and JPEG 2000 by FFmpeg, GIF and PNM by own code,
 * TIFF, BMP and CMYK JPEG by readers on the JVM. The table of formats, decoders and their parity with Pillow is in the module's README.
 *
 * <p>Thread-safe: several threads may decode at once; each image is decoded by the thread that asks.
 */
public final class HostImageDecoder implements ImageDecoder {
    private final DecodeLimits limits;
    private final DecodeRules rules;
    private static final Logger LOG = LoggerFactory.getLogger(HostImageDecoder.class);

    private final PixelPool pool;
    private final ArrayBlockingQueue<PngReader> pngReaders;

    /**
     * @param threads how many threads decode at once, which is how many sample arrays are worth keeping
     */
    public HostImageDecoder(DecodeLimits limits, DecodeRules rules, int threads) {
        this.limits = limits;
        this.rules = rules;
        OpenCv.load();
        Ffmpeg.load();
        this.pool = new PixelPool(2 * threads + 2);
        this.pngReaders = new ArrayBlockingQueue<>(threads);
    }

    @Override
    public List<Decoded> decode(EncodedBatch batch) {
        var out = new ArrayList<Decoded>(batch.rows());
        for (int row = 0; row < batch.rows(); row++) {
            out.add(decode(batch.rowView(row)));
        }
        return out;
    }

    /**
     * Decodes one image.
     *
     * @param bytes from 0 to its limit; borrowed
     * @return the caller owns the pixels in it
     */
    public Decoded decode(ByteBuffer bytes) {
        Format format = null;
        try {
            format = format(bytes);
            ImageHeader header = Headers.read(format, bytes);
            check(header);
            return new Decoded.Image(pixels(bytes, header), format, header.frames());
        } catch (UndecodableException e) {
            return new Decoded.Rejected(format, e.reason(), e.detail());
        } catch (RuntimeException | StackOverflowError e) {
            // a fault of the decoder that this image found: it costs the image, never the batch or the job
            LOG.warn("decoder failed format={} bytes={}", format, bytes.limit(), e);
            return new Decoded.Rejected(format, Reason.CORRUPT, "its decoder failed: " + e);
        }
    }

    /**
     * Reads the header of one image and says whether {@link #decode(ByteBuffer)} would begin to decode it.
     *
     * @param bytes from 0 to its limit; borrowed
     */
    public Probed probe(ByteBuffer bytes) {
        Format format = null;
        try {
            format = format(bytes);
            ImageHeader header = Headers.read(format, bytes);
            check(header);
            int orientation = rules.applyOrientation() ? header.orientation() : 1;
            return new Probed.Image(format, header.width(), header.height(), orientation, header.frames());
        } catch (UndecodableException e) {
            return new Probed.Rejected(format, e.reason(), e.detail());
        } catch (RuntimeException e) {
            LOG.warn("header reader failed format={} bytes={}", format, bytes.limit(), e);
            return new Probed.Rejected(format, Reason.CORRUPT, "its header could not be read: " + e);
        }
    }

    private Format format(ByteBuffer bytes) throws UndecodableException {
        if (bytes.limit() > limits.maxBytes()) {
            throw new UndecodableException(
                    Reason.TOO_LARGE, "the file has " + bytes.limit() + " bytes; the limit is " + limits.maxBytes());
        }
        return Sniffer.format(bytes);
    }

    private void check(ImageHeader header) throws UndecodableException {
        int width = header.width();
        int height = header.height();
        if (width <= 0 || height <= 0) {
            throw UndecodableException.corrupt(
                    header.format() + ": its header gives the size " + width + " x " + height);
        }
        if (header.pixels() > limits.maxPixels()) {
            throw new UndecodableException(
                    Reason.TOO_MANY_PIXELS,
                    header.format() + ": " + width + " x " + height + " is " + header.pixels()
                            + " pixels; the limit is " + limits.maxPixels());
        }
        long needed = memory(header);
        if (needed > pool.budget()) {
            throw new UndecodableException(
                    Reason.TOO_MANY_PIXELS,
                    header.format() + ": " + width + " x " + height + " needs " + (needed >> 20)
                            + " MiB of memory, this process has " + (pool.budget() >> 20)
                            + " MiB for pictures; give it a larger heap (LENSTREAM_HEAP)");
        }
        int longer = Math.max(width, height);
        int shorter = Math.min(width, height);
        if (longer > (long) shorter * limits.maxAspectRatio()) {
            throw UndecodableException.unsupported(header.format() + ": " + width + " x " + height + " is longer than "
                    + limits.maxAspectRatio() + " : 1, too thin to show anything");
        }
    }

    /** Bytes on the heap that decoding holds at its peak. */
    private long memory(ImageHeader header) {
        return samples(header) + (isReadHere(header) ? PngReader.memory(header.pixels()) : 0);
    }

    /** Bytes of samples: twice where the picture is turned afterwards. */
    private long samples(ImageHeader header) {
        boolean turned = header.orientation() != 1 && rules.applyOrientation();
        return header.pixels() * 3 * (turned ? 2 : 1);
    }

    /** Whether our own reader may have it: a PNG that leaves room for others. */
    private boolean isReadHere(ImageHeader header) {
        long more = PngReader.memory(header.pixels());
        return header.format() == Format.PNG && more > 0 && samples(header) + more <= pool.budget() / 2;
    }

    private Pixels pixels(ByteBuffer bytes, ImageHeader header) throws UndecodableException {
        long reserved = pool.reserve(memory(header));
        boolean handedOut = false;
        try {
            Pixels pixels = reservedPixels(bytes, header, reserved);
            handedOut = true;
            return pixels;
        } finally {
            if (!handedOut) {
                pool.release(reserved);
            }
        }
    }

    private Pixels reservedPixels(ByteBuffer bytes, ImageHeader header, long reserved) throws UndecodableException {
        int width = header.width();
        int height = header.height();
        byte[] rgb = pool.take(width * height * 3);
        boolean kept = false;
        try {
            switch (header.format()) {
                case JPEG -> {
                    if (header.variant() != ImageHeader.Variant.ORDINARY) {
                        PlainJava.decode(bytes, header, rules.ground(), rgb);
                    } else {
                        OpenCv.decode(direct(bytes), header, rules.ground(), rgb);
                    }
                }
                case PNG -> {
                    if (!isReadHere(header) || !readHere(bytes, rgb)) {
                        OpenCv.decode(PngFile.pictureOnly(bytes), header, rules.ground(), rgb);
                    }
                }
                case WEBP -> OpenCv.decode(direct(bytes), header, rules.ground(), rgb);
                case GIF -> GifFile.decode(bytes, header, rules.ground(), rgb);
                case BMP, TIFF -> PlainJava.decode(bytes, header, rules.ground(), rgb);
                case AVIF -> avif(bytes, rules.ground(), rgb);
                case JPEG2000 -> Jpeg2000.decode(bytes, header, rules.ground(), rgb);
                case PNM -> PnmFile.decode(bytes, header, rgb);
            }
            kept = true;
        } catch (IndexOutOfBoundsException e) {
            throw UndecodableException.corrupt(header.format() + ": its data point outside the file");
        } finally {
            if (!kept) {
                pool.give(rgb);
            }
        }
        if (header.orientation() == 1 || !rules.applyOrientation()) {
            return new Pixels(rgb, width, height, pool, reserved);
        }
        byte[] turned = pool.take(width * height * 3);
        Rotation.apply(header.orientation(), rgb, width, height, turned);
        pool.give(rgb);
        boolean swaps = Rotation.swapsSides(header.orientation());
        return new Pixels(turned, swaps ? height : width, swaps ? width : height, pool, reserved);
    }

    private boolean readHere(ByteBuffer bytes, byte[] rgb) {
        PngReader idle = pngReaders.poll();
        PngReader reader = idle == null ? new PngReader() : idle;
        boolean taken = reader.decode(bytes, rules.ground(), rgb);
        pngReaders.offer(reader);
        return taken;
    }

    private static ByteBuffer direct(ByteBuffer bytes) {
        if (bytes.isDirect()) {
            return bytes;
        }
        ByteBuffer copy = ByteBuffer.allocateDirect(bytes.limit());
        return copy.put(0, bytes, 0, bytes.limit());
    }

    private static void avif(ByteBuffer bytes, Ground ground, byte[] rgb) throws UndecodableException {
        AvifFile file = AvifFile.read(bytes);
        Planes frame = Ffmpeg.av1(file.colour());
        byte @Nullable [] alphaData = file.alpha();
        Planes alpha = alphaData == null ? null : Ffmpeg.av1(alphaData);
        frame.checkSize(file.header());
        if (alpha != null) {
            alpha.checkSize(file.header());
        }
        int matrix = file.matrix() == 2 ? frame.matrix() : file.matrix();
        Boolean fullRange = file.fullRange();
        frame.toRgb(alpha, matrix, fullRange == null ? frame.fullRange() : fullRange, ground, rgb);
    }

    /** Holds nothing but arrays for reuse; there is nothing to release. */
    @Override
    public void close() {}
}
