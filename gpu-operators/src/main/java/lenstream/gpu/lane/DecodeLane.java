package lenstream.gpu.lane;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import lenstream.core.model.Preprocessing;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.codec.Completion;
import lenstream.gpu.codec.CompletionKernels;
import lenstream.gpu.codec.DecodeOrders;
import lenstream.gpu.codec.DeviceDecoder;
import lenstream.gpu.codec.DeviceDecoders;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Event;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Range;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.Format;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.JpegStructure;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Probed;
import lenstream.gpu.decode.Unfinished;
import lenstream.gpu.lifetime.Closer;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.ThumbnailMaker;
import lenstream.gpu.preprocess.cuda.CudaPreprocessor;
import lenstream.gpu.preprocess.cuda.PreprocessBatch;
import org.jspecify.annotations.Nullable;

/**
 * Takes images from the intake, has the device decode and preprocess them into a tensor of the ring, and goes on to the next
 * batch without waiting for the device: only before its own memory is used again does it wait, for its batch before.
 *
 * <p>Its memory is allocated once: pinned memory for the encoded bytes, an arena for the pixels. Confined to its thread.
 */
final class DecodeLane implements AutoCloseable {
    private static final int ENCODED_ALIGNMENT = 64;
    private static final int PIXEL_ALIGNMENT = 256;

    /** The kernels read whole 16-byte words around an image. */
    private static final int PIXEL_MARGIN = 32;

    /** Input rows between the passes of all images of a batch: 2000 an image of 224 columns, more for fewer images. */
    private static final long BETWEEN_ROWS = 2000;

    private final Device device;
    private final Preprocessing rules;
    private final HostImageDecoder prober;
    private final Stream stream;
    private final Event free;
    private final DeviceDecoder decoder;
    private final PinnedBuffer encoded;
    private final DeviceBuffer arena;
    private final PreprocessBatch preprocess;
    private final @Nullable PreprocessBatch thumbnails;
    private final DecodeOrders orders;
    private final Completion completion;
    private final JpegStructure structure = new JpegStructure();
    private final long rowBytes;
    private final List<Item> taken = new ArrayList<>();
    private final List<Item> left = new ArrayList<>();
    /** The images of {@link #orders}. */
    private final List<Item> ordered = new ArrayList<>();

    /** The images of {@link #preprocess}. */
    private final List<Item> rowItems = new ArrayList<>();

    private final List<Item> finished = new ArrayList<>();

    /** What has to be turned once {@link #completion} has run. */
    private final List<Turn> turns = new ArrayList<>();

    private final long[] turnedPixels;
    private long encodedUsed;
    private long arenaUsed;

    private record Turn(Item item, int orientation, long from, long to) {}

    private DecodeLane(
            Device device,
            CudaPreprocessor preprocessor,
            Preprocessing rules,
            HostImageDecoder prober,
            Stream stream,
            Event free,
            DeviceDecoder decoder,
            PinnedBuffer encoded,
            DeviceBuffer arena,
            PreprocessBatch preprocess,
            @Nullable PreprocessBatch thumbnails,
            Completion completion,
            int rows) {
        this.device = device;
        this.rules = rules;
        this.prober = prober;
        this.stream = stream;
        this.free = free;
        this.decoder = decoder;
        this.encoded = encoded;
        this.arena = arena;
        this.preprocess = preprocess;
        this.thumbnails = thumbnails;
        this.completion = completion;
        this.orders = new DecodeOrders(rows);
        this.turnedPixels = new long[rows];
        this.rowBytes = preprocessor.tensorBytes();
    }

    /**
     * Allocates a lane; its parts are registered with the closer.
     *
     * @param stream borrowed, for this lane alone
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // registered with the closer
    static DecodeLane open(
            Device device,
            GpuConfig config,
            DeviceDecoders decoders,
            Stream stream,
            CudaPreprocessor preprocessor,
            CompletionKernels completions,
            Preprocessing rules,
            HostImageDecoder prober,
            Closer closer) {
        int rows = config.batchRows();
        DeviceDecoder decoder = closer.register(decoders.decoder(rows, stream));
        PinnedBuffer encoded = closer.register(device.allocatePinned("encoded", config.encodedBytes()));
        DeviceBuffer arena = closer.register(device.allocate("pixels", config.arenaBytes()));
        long line = (rules.size() + 3) & ~3;
        long between = rows * BETWEEN_ROWS * 3 * line;
        long taps = rows * 2L * 4 * rules.size() * 48;
        PreprocessBatch batch = closer.register(
                PreprocessBatch.allocate(preprocessor, rules.size(), rules.interpolation(), rows, between, taps));
        PreprocessBatch thumbnails = null;
        if (config.thumbnails()) {
            thumbnails = closer.register(PreprocessBatch.allocate(
                    preprocessor,
                    ThumbnailMaker.SIDE,
                    Interpolation.BILINEAR,
                    rows,
                    rows * BETWEEN_ROWS * 3 * ThumbnailMaker.SIDE,
                    rows * 2L * 4 * ThumbnailMaker.SIDE * 48));
        }
        Completion completion = closer.register(Completion.allocate(completions, rows));
        Event free = closer.register(device.event());
        return new DecodeLane(
                device,
                preprocessor,
                rules,
                prober,
                stream,
                free,
                decoder,
                encoded,
                arena,
                batch,
                thumbnails,
                completion,
                rows);
    }

    /** Works until the thread is interrupted. */
    void run(
            Intake intake,
            HostPool host,
            BlockingQueue<TensorSlot> freeSlots,
            BlockingQueue<TensorSlot> filled,
            RowLimit limit,
            Counters counters)
            throws InterruptedException {
        device.use();
        while (true) {
            free.await();
            clear();
            intake.take(taken, limit.rows(), host::isDecoding);
            var event = new BatchEvent();
            event.begin();
            try (var inside = Range.PLACE.enter()) {
                for (int i = 0; i < taken.size(); i++) {
                    if (!place(taken.get(i), host, counters)) {
                        left.addAll(taken.subList(i, taken.size()));
                        break;
                    }
                }
            }
            intake.giveBack(left);
            complete();
            decode(host, counters, event);
            if (preprocess.rows() + finished.size() == 0) {
                continue;
            }
            long start = System.nanoTime();
            TensorSlot slot = freeSlots.take();
            event.waitNanos = System.nanoTime() - start;
            counters.waitNanos.add(event.waitNanos);
            try (var inside = Range.PREPROCESS.enter()) {
                fill(slot);
            }
            event.rows = slot.items.size();
            event.deviceRows = slot.deviceRows;
            event.commit();
            filled.put(slot);
        }
    }

    private void clear() {
        taken.clear();
        left.clear();
        ordered.clear();
        rowItems.clear();
        finished.clear();
        orders.clear();
        completion.clear();
        turns.clear();
        preprocess.clear();
        if (thumbnails != null) {
            thumbnails.clear();
        }
        encodedUsed = 0;
        arenaUsed = PIXEL_MARGIN;
    }

    /** Sends the image where it belongs; false if this batch has no room for it. */
    private boolean place(Item item, HostPool host, Counters counters) {
        if (item.tensorRow != null) {
            finished.add(item);
            return true;
        }
        Pixels pixels = item.pixels;
        if (pixels != null) {
            return upload(item, pixels, host);
        }
        Unfinished unfinished = item.unfinished;
        if (unfinished != null) {
            return upload(item, unfinished, host);
        }
        if (item.header == null && !probe(item)) {
            return true;
        }
        if (item.deviceLength == 0) {
            counters.hostImages.increment();
            host.decode(item);
            return true;
        }
        Probed.Image header = item.header();
        long pixelBytes = aligned(3L * header.width() * header.height() + PIXEL_MARGIN, PIXEL_ALIGNMENT);
        long needed = header.orientation() == 1 ? pixelBytes : 2 * pixelBytes;
        long encodedNeeded = aligned(item.deviceLength, ENCODED_ALIGNMENT);
        if (arenaUsed + needed > arena.bytes() || encodedUsed + encodedNeeded > encoded.bytes()) {
            if (preprocess.rows() + orders.size() > 0) {
                return false;
            }
            counters.hostImages.increment(); // larger than the whole arena
            host.decode(item);
            return true;
        }
        ByteBuffer view = encoded.view();
        view.put((int) encodedUsed, item.bytes, 0, item.deviceLength);
        int number = orders.add(
                encoded.address() + encodedUsed,
                item.deviceLength,
                arena.address() + aligned(arenaUsed, PIXEL_ALIGNMENT),
                header.width(),
                header.height(),
                item.sampling);
        turnedPixels[number] = arena.address() + aligned(arenaUsed, PIXEL_ALIGNMENT) + pixelBytes;
        ordered.add(item);
        arenaUsed = aligned(arenaUsed, PIXEL_ALIGNMENT) + needed;
        encodedUsed += encodedNeeded;
        return true;
    }

    /** Copies what the CPU decoded; false if this batch has no room for it. */
    private boolean upload(Item item, Pixels pixels, HostPool host) {
        int width = pixels.width();
        int height = pixels.height();
        int bytes = 3 * width * height;
        long address = arena.address() + aligned(arenaUsed, PIXEL_ALIGNMENT);
        long end = aligned(arenaUsed, PIXEL_ALIGNMENT) + aligned((long) bytes + PIXEL_MARGIN, PIXEL_ALIGNMENT);
        if (end > arena.bytes() || encodedUsed + bytes > encoded.bytes() || !add(address, width, height)) {
            if (preprocess.rows() + orders.size() > 0) {
                return false;
            }
            host.copied(item);
            item.wantsRow = true;
            host.decode(item);
            return true;
        }
        encoded.view().put((int) encodedUsed, pixels.rgbView(), 0, bytes);
        stream.copyToDevice(encoded, encodedUsed, address, bytes);
        host.copied(item);
        rowItems.add(item);
        encodedUsed += aligned(bytes, ENCODED_ALIGNMENT);
        arenaUsed = end;
        return true;
    }

    /** Copies what the CPU has read and lets {@link #completion} finish it; false if this batch has no room for it. */
    private boolean upload(Item item, Unfinished image, HostPool host) {
        int orientation = item.header().orientation();
        boolean swaps = orientation >= 5;
        int width = swaps ? image.height() : image.width();
        int height = swaps ? image.width() : image.height();
        long pixelBytes = aligned(3L * width * height + 2 * PIXEL_MARGIN, PIXEL_ALIGNMENT);
        long data = arena.address() + aligned(arenaUsed, PIXEL_ALIGNMENT);
        long planes = data + aligned(image.bytes(), PIXEL_ALIGNMENT);
        long rgb = planes + aligned(Completion.planeBytes(image) + PIXEL_MARGIN, PIXEL_ALIGNMENT);
        long turned = orientation == 1 ? rgb : rgb + pixelBytes;
        long end = turned + pixelBytes - arena.address();
        if (end > arena.bytes()
                || encodedUsed + image.bytes() > encoded.bytes()
                || completion.isFull()
                || !add(turned, width, height)) {
            if (preprocess.rows() + orders.size() > 0) {
                return false;
            }
            host.copied(item);
            host.decode(item);
            return true;
        }
        ByteBuffer to = encoded.view().position((int) encodedUsed);
        switch (image) {
            case Unfinished.Png png -> to.put(png.samples(), 0, png.bytes());
            case Unfinished.Jpeg jpeg -> jpeg.copyTo(to);
        }
        stream.copyToDevice(encoded, encodedUsed, data, image.bytes());
        completion.add(image, data, planes, rgb);
        if (orientation != 1) {
            turns.add(new Turn(item, orientation, rgb, turned));
        }
        host.copied(item);
        item.width = width;
        item.height = height;
        rowItems.add(item);
        encodedUsed += aligned(image.bytes(), ENCODED_ALIGNMENT);
        arenaUsed = end;
        return true;
    }

    private void complete() {
        completion.run(stream);
        for (Turn turn : turns) {
            preprocess.turn(stream, turn.from(), turn.to(), turn.item().width, turn.item().height, turn.orientation());
        }
    }

    private boolean probe(Item item) {
        if (!item.readHeader(prober)) {
            return false;
        }
        if (item.fits
                && item.header().format() == Format.JPEG
                && !item.readable
                && structure.refusal(item.bytes) == null) {
            item.deviceLength = structure.length();
            item.sampling = structure.sampling();
        }
        return true;
    }

    private static long aligned(long value, int alignment) {
        return (value + alignment - 1) & -alignment;
    }

    private void decode(HostPool host, Counters counters, BatchEvent event) {
        if (orders.size() == 0) {
            return;
        }
        long start = System.nanoTime();
        try (var inside = Range.DECODE.enter()) {
            decoder.decode(orders);
        }
        event.decodeNanos = System.nanoTime() - start;
        counters.decodeNanos.add(event.decodeNanos);
        for (int number = 0; number < orders.size(); number++) {
            Item item = ordered.get(number);
            if (orders.isDecoded(number) && add(number, item)) {
                counters.deviceImages.increment();
                rowItems.add(item);
            } else {
                counters.judgedImages.increment();
                host.decode(item);
            }
        }
    }

    /** Adds a decoded image to the rows to preprocess, turned if need be; false if it does not fit. */
    private boolean add(int number, Item item) {
        Probed.Image header = item.header();
        boolean swaps = header.orientation() >= 5;
        int width = swaps ? header.height() : header.width();
        int height = swaps ? header.width() : header.height();
        boolean turned = header.orientation() != 1;
        long pixels = turned ? turnedPixels[number] : orders.pixels(number);
        if (!add(pixels, width, height)) {
            return false;
        }
        if (turned) {
            preprocess.turn(stream, orders.pixels(number), pixels, width, height, header.orientation());
        }
        item.width = width;
        item.height = height;
        return true;
    }

    /** Adds pixels in device memory to the rows to preprocess; false if they do not fit. */
    private boolean add(long pixels, int width, int height) {
        if (!preprocess.add(pixels, width, height, Geometry.of(rules, width, height))) {
            return false;
        }
        if (thumbnails != null && !thumbnails.add(pixels, width, height, ThumbnailMaker.geometry(width, height))) {
            preprocess.removeLast();
            return false;
        }
        return true;
    }

    private void fill(TensorSlot slot) {
        slot.items.clear();
        slot.items.addAll(rowItems);
        slot.deviceRows = rowItems.size();
        preprocess.toTensor(stream, slot.input);
        if (thumbnails != null && slot.thumbnails != null && slot.hostThumbnails != null && slot.deviceRows > 0) {
            thumbnails.toBytes(stream, slot.thumbnails);
            stream.copyToHost(
                    slot.thumbnails, 0, slot.hostThumbnails, 0, (long) slot.deviceRows * TensorSlot.THUMBNAIL_BYTES);
        }
        int row = slot.deviceRows;
        for (Item item : finished) {
            byte[] values = item.tensorRow;
            if (values != null) {
                slot.hostRows.view().put((int) (row * rowBytes), values);
                item.tensorRow = null;
                slot.items.add(item);
                row++;
            }
        }
        if (row > slot.deviceRows) {
            long from = slot.deviceRows * rowBytes;
            stream.copyToDevice(slot.hostRows, from, slot.input, from, (row - slot.deviceRows) * rowBytes);
        }
        slot.ready.record(stream);
        free.record(stream);
    }

    /** Its parts belong to the closer that they were registered with. */
    @Override
    public void close() {}
}
