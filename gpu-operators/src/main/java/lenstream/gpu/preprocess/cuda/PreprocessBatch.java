package lenstream.gpu.preprocess.cuda;

import com.google.errorprone.annotations.MustBeClosed;
import lenstream.core.model.Preprocessing.ChannelOrder;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Kernels;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.preprocess.Geometry;

/**
 * Room to preprocess one batch after the other: descriptors, weights and the rows between the two passes, allocated once.
 * Fill with {@link #add}, then {@link #toTensor} or {@link #toBytes}; {@link #clear} only when the device is through with it.
 * Confined.
 */
public final class PreprocessBatch implements AutoCloseable {
    static final int DESCRIPTOR_BYTES = 88;

    /** Input rows a block of the horizontal pass; the kernels' STRIP. */
    private static final int STRIP = 4;

    /** Pixels of one plane that the horizontal pass multiplies at once. */
    private static final int PIXELS_A_WORD = 4;

    private static final int TAP_THREADS = 64;
    private static final int TURN_THREADS = 256;

    private final CudaPreprocessor owner;
    private final int size;
    private final int line;
    private final int bicubic;
    private final int capacity;
    private final PinnedBuffer hostDescriptors;
    private final DeviceBuffer descriptors;
    private final DeviceBuffer between;
    private final DeviceBuffer taps;
    private final Kernels.Launch tapsKernel;
    private final Kernels.Launch columnsKernel;
    private final Kernels.Launch tensorKernel;
    private final Kernels.Launch bytesKernel;
    private final Kernels.Launch turnKernel;
    private int rows;
    private long betweenUsed;
    private long tapsUsed;
    private int mostInputRows;
    private int mostWords;

    @SuppressWarnings("MustBeClosed") // freed in close()
    private PreprocessBatch(
            CudaPreprocessor owner,
            int size,
            Interpolation interpolation,
            int capacity,
            PinnedBuffer hostDescriptors,
            DeviceBuffer descriptors,
            DeviceBuffer between,
            DeviceBuffer taps) {
        this.owner = owner;
        this.size = size;
        this.line = (size + 3) & ~3;
        this.bicubic = interpolation == Interpolation.BICUBIC ? 1 : 0;
        this.capacity = capacity;
        this.hostDescriptors = hostDescriptors;
        this.descriptors = descriptors;
        this.between = between;
        this.taps = taps;
        int shared = owner.device().sharedBytes();
        Kernels kernels = owner.kernels();
        this.tapsKernel = kernels.launch("taps", 3, 0)
                .set(0, descriptors.address())
                .set(1, size)
                .set(2, bicubic);
        this.columnsKernel = kernels.launch("columns", 5, shared)
                .set(0, descriptors.address())
                .set(1, size)
                .set(2, line)
                .set(4, bicubic);
        this.tensorKernel = kernels.launch(owner.half() ? "rowsToHalf" : "rowsToFloat", 7, 0)
                .set(0, descriptors.address())
                .set(2, owner.levels().address())
                .set(3, size)
                .set(4, line)
                .set(5, bicubic)
                .set(6, owner.rules().channelOrder() == ChannelOrder.BGR ? 1 : 0);
        this.bytesKernel = kernels.launch("rowsToBytes", 5, 0)
                .set(0, descriptors.address())
                .set(2, size)
                .set(3, line)
                .set(4, bicubic);
        this.turnKernel = kernels.launch("turn", 5, 0);
    }

    /**
     * Allocates.
     *
     * @param size side of the square that comes out, pixels
     * @param capacity images
     * @param betweenBytes of the rows between the passes: 3 bytes an output column and input row
     * @param tapsBytes of the weights: 4 bytes an output position and tap
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static PreprocessBatch allocate(
            CudaPreprocessor owner,
            int size,
            Interpolation interpolation,
            int capacity,
            long betweenBytes,
            long tapsBytes) {
        Device device = owner.device();
        PinnedBuffer host = device.allocatePinned("preprocess-descriptors", capacity * DESCRIPTOR_BYTES);
        DeviceBuffer descriptors = device.allocate("preprocess-descriptors", (long) capacity * DESCRIPTOR_BYTES);
        DeviceBuffer between = device.allocate("preprocess-between", betweenBytes);
        DeviceBuffer taps = device.allocate("preprocess-taps", tapsBytes);
        return new PreprocessBatch(owner, size, interpolation, capacity, host, descriptors, between, taps);
    }

    public void clear() {
        rows = 0;
        betweenUsed = 0;
        tapsUsed = 0;
        mostInputRows = 0;
        mostWords = 0;
    }

    public int rows() {
        return rows;
    }

    /**
     * Adds an image as the next row, if there is room.
     *
     * @param pixels address in device memory, readable from 16 bytes before to 16 bytes behind the image
     * @param geometry of the image
     */
    public boolean add(long pixels, int width, int height, Geometry geometry) {
        double support = bicubic == 1 ? 2 : 1;
        var columns = new Axis(width, geometry.resizedWidth(), support);
        var vertical = new Axis(height, geometry.resizedHeight(), support);
        int firstRow = vertical.first(geometry.top());
        int inputRows = vertical.end(geometry.top() + geometry.height() - 1) - firstRow;
        int words = planeWords(columns.end(geometry.left() + geometry.width() - 1) - columns.first(geometry.left()));
        long betweenBytes = (long) inputRows * 3 * line;
        long columnTaps = 3 * 4L * size * planeWords(columns.taps() + PIXELS_A_WORD - 1);
        long rowTaps = 4L * size * vertical.taps();
        if (rows == capacity
                || betweenUsed + betweenBytes > between.bytes()
                || tapsUsed + columnTaps + rowTaps > taps.bytes()
                || stripBytes(words) > owner.device().sharedBytes()) {
            return false;
        }
        CudaPreprocessor.describe(
                hostDescriptors.view(),
                rows++,
                pixels,
                between.address() + betweenUsed,
                taps.address() + tapsUsed,
                taps.address() + tapsUsed + columnTaps,
                width,
                height,
                geometry,
                firstRow,
                inputRows);
        betweenUsed += betweenBytes;
        tapsUsed += columnTaps + rowTaps;
        mostInputRows = Math.max(mostInputRows, inputRows);
        mostWords = Math.max(mostWords, words);
        return true;
    }

    /** Takes the last row out again; its memory is not reused before {@link #clear}. */
    public void removeLast() {
        rows--;
    }

    /** Words of one plane of a row, 4 pixels each. */
    private static int planeWords(int pixels) {
        return (pixels + PIXELS_A_WORD - 1) / PIXELS_A_WORD;
    }

    private static int stripBytes(int words) {
        return STRIP * 3 * 4 * words;
    }

    /** Queues the preprocessing of all rows into {@code target}, which is {@code [rows, 3, size, size]}. */
    public void toTensor(Stream stream, DeviceBuffer target) {
        if (rows == 0) {
            return;
        }
        passOne(stream);
        tensorKernel.set(1, target.address()).run(stream, size, rows, 1, 3 * line / 4, 0);
    }

    /** Queues the resizing of all rows to interleaved bytes; rows lie {@code 3 * size * size} bytes apart. */
    public void toBytes(Stream stream, DeviceBuffer target) {
        if (rows == 0) {
            return;
        }
        passOne(stream);
        bytesKernel.set(1, target.address()).run(stream, size, rows, 1, 3 * line / 4, 0);
    }

    private void passOne(Stream stream) {
        stream.copyToDevice(hostDescriptors, 0, descriptors, 0, (long) rows * DESCRIPTOR_BYTES);
        tapsKernel.run(stream, (size + TAP_THREADS - 1) / TAP_THREADS, 2, rows, TAP_THREADS, 0);
        columnsKernel
                .set(3, mostWords)
                .run(stream, (mostInputRows + STRIP - 1) / STRIP, rows, 1, (size + 31) & ~31, stripBytes(mostWords));
    }

    /**
     * Queues the turning of pixels as their EXIF orientation says.
     *
     * @param width of the turned image
     * @param height of the turned image
     */
    public void turn(Stream stream, long source, long target, int width, int height, int orientation) {
        long pixels = (long) width * height;
        turnKernel
                .set(0, source)
                .set(1, target)
                .set(2, width)
                .set(3, height)
                .set(4, orientation)
                .run(stream, (int) ((pixels + TURN_THREADS - 1) / TURN_THREADS), 1, 1, TURN_THREADS, 0);
    }

    @Override
    public void close() {
        for (Kernels.Launch launch :
                new Kernels.Launch[] {tapsKernel, columnsKernel, tensorKernel, bytesKernel, turnKernel}) {
            launch.close();
        }
        try (hostDescriptors;
                descriptors;
                between) {
            taps.close();
        }
    }
}
