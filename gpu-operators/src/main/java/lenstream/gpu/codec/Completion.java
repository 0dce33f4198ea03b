package lenstream.gpu.codec;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Kernels;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.Ground;
import lenstream.gpu.decode.Unfinished;

/**
 * Makes pixels of what the CPU has read of a batch of images: 8-bit RGB, interleaved, stored orientation, equal in every byte to what
 * the CPU's decoders make. Fill with {@link #add}, then {@link #run}; {@link #clear} only when the device is through with it.
 * Confined.
 */
public final class Completion implements AutoCloseable {
    /** Bytes of the kernels' {@code struct Png} and {@code struct Jpeg}. */
    private static final int PNG_BYTES = 32;

    private static final int JPEG_BYTES = 256;
    private static final int QUANTISERS = 64;

    /** The kernel's WARPS, 32 threads each. */
    private static final int UNFILTER_THREADS = 8 * 32;

    private static final int THREADS = 128;

    private final int capacity;
    private final PinnedBuffer hostDescriptors;
    private final DeviceBuffer descriptors;
    private final Kernels.Launch unfilter;
    private final Kernels.Launch samples;
    private final Kernels.Launch colours;
    private int pngs;
    private int jpegs;
    private int mostBlocks;
    private long mostPixels;

    @SuppressWarnings("MustBeClosed") // freed in close()
    private Completion(Kernels kernels, int capacity, PinnedBuffer hostDescriptors, DeviceBuffer descriptors) {
        this.capacity = capacity;
        this.hostDescriptors = hostDescriptors;
        this.descriptors = descriptors;
        long jpegsAt = descriptors.address() + (long) capacity * PNG_BYTES;
        this.unfilter = kernels.launch("unfilter", 1, 0).set(0, descriptors.address());
        this.samples = kernels.launch("samples", 1, 0).set(0, jpegsAt);
        this.colours = kernels.launch("colours", 1, 0).set(0, jpegsAt);
    }

    /**
     * Allocates.
     *
     * @param kernels borrowed until {@link #close()}
     * @param capacity images of each kind
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static Completion allocate(CompletionKernels kernels, int capacity) {
        int bytes = capacity * (PNG_BYTES + JPEG_BYTES);
        PinnedBuffer host = kernels.device().allocatePinned("completion-descriptors", bytes);
        try {
            DeviceBuffer descriptors = kernels.device().allocate("completion-descriptors", bytes);
            return new Completion(kernels.kernels(), capacity, host, descriptors);
        } catch (Throwable failure) {
            host.close();
            throw failure;
        }
    }

    public void clear() {
        pngs = 0;
        jpegs = 0;
        mostBlocks = 0;
        mostPixels = 0;
    }

    public boolean isFull() {
        return pngs == capacity || jpegs == capacity;
    }

    /** Bytes of device memory that an image needs beside its data and its pixels. */
    public static long planeBytes(Unfinished image) {
        return image instanceof Unfinished.Jpeg jpeg ? 64L * jpeg.blocks() : 0;
    }

    /**
     * Adds an image.
     *
     * @param data address in device memory where its bytes will be, aligned to 16; they are overwritten
     * @param planes address of {@link #planeBytes} bytes
     * @param rgb address of its pixels
     */
    public void add(Unfinished image, long data, long planes, long rgb) {
        switch (image) {
            case Unfinished.Png png -> add(png, data, rgb);
            case Unfinished.Jpeg jpeg -> add(jpeg, data, planes, rgb);
        }
    }

    private void add(Unfinished.Png png, long data, long rgb) {
        ByteBuffer to = hostDescriptors.view();
        int at = pngs++ * PNG_BYTES;
        to.putLong(at, data);
        to.putLong(at + 8, rgb);
        to.putInt(at + 16, png.width());
        to.putInt(at + 20, png.height());
        to.putInt(at + 24, png.channels());
        to.putInt(at + 28, png.ground() == Ground.WHITE ? 1 : 0);
    }

    private void add(Unfinished.Jpeg jpeg, long data, long planes, long rgb) {
        ByteBuffer to = hostDescriptors.view();
        int at = capacity * PNG_BYTES + jpegs++ * JPEG_BYTES;
        to.putLong(at, data);
        to.putLong(at + 8, planes);
        to.putLong(at + 16, rgb);
        to.putInt(at + 24, jpeg.width());
        to.putInt(at + 28, jpeg.height());
        to.putInt(at + 32, jpeg.components());
        to.putInt(at + 36, jpeg.wide() | jpeg.tall() << 16);
        to.putInt(at + 40, jpeg.lumaColumns());
        to.putInt(at + 44, jpeg.lumaRows());
        to.putInt(at + 48, jpeg.chromaColumns());
        to.putInt(at + 52, jpeg.chromaRows());
        to.putInt(at + 248, jpeg.correctedBits());
        for (int i = 0; i < jpeg.components(); i++) {
            to.put(at + 56 + i * QUANTISERS, jpeg.quantisers()[i]);
        }
        mostBlocks = Math.max(mostBlocks, jpeg.blocks());
        mostPixels = Math.max(mostPixels, (long) jpeg.width() * jpeg.height());
    }

    /** Queues the work on all images, behind the copies of their data. */
    public void run(Stream stream) {
        if (pngs > 0) {
            stream.copyToDevice(hostDescriptors, 0, descriptors, 0, (long) pngs * PNG_BYTES);
            unfilter.run(stream, pngs, 1, 1, UNFILTER_THREADS, 0);
        }
        if (jpegs > 0) {
            long from = (long) capacity * PNG_BYTES;
            stream.copyToDevice(hostDescriptors, from, descriptors, from, (long) jpegs * JPEG_BYTES);
            samples.run(stream, (mostBlocks + THREADS - 1) / THREADS, jpegs, 1, THREADS, 0);
            colours.run(stream, (int) ((mostPixels + THREADS - 1) / THREADS), jpegs, 1, THREADS, 0);
        }
    }

    @Override
    public void close() {
        unfilter.close();
        samples.close();
        colours.close();
        try (hostDescriptors) {
            descriptors.close();
        }
    }
}
