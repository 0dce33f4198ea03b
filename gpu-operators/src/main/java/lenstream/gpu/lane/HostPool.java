package lenstream.gpu.lane;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import lenstream.core.image.Stage;
import lenstream.gpu.cuda.Range;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.HostImageReader;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Probed;
import lenstream.gpu.decode.Thumbnail;
import lenstream.gpu.decode.Unfinished;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.features.PixelAnalysis;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.HostTensor;
import lenstream.gpu.preprocess.ThumbnailMaker;
import org.apache.arrow.memory.BufferAllocator;

/**
 * CPU threads beside the lanes: they decode with the CPU twin what the device cannot decode or refused, preprocess what the
 * lanes have no room for, and encode thumbnails. Thread-safe. What waits here is bounded by the images that the engine takes in.
 */
final class HostPool implements AutoCloseable {
    private static final long CLOSE_SECONDS = 60;

    private static final int UNIT = 1 << 10;

    private static final VarHandle FIRST_BYTES =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    private static final int PNG = 0x89504E47;
    private static final int RIFF = 0x52494646;
    private static final int WEBP = 0x57454250;

    /** Share of the heap that decoded pictures may hold while they wait for a lane. */
    private static final int HEAP_SHARE = 8;

    private final ExecutorService threads;
    private final HostImageDecoder decoder;
    private final HostPreprocessor preprocessor;
    private final BufferAllocator allocator;
    private final boolean half;
    private final Intake intake;
    private final Consumer<Throwable> onFailure;
    private final long most;
    private final int roomUnits = (int) Math.clamp(Runtime.getRuntime().maxMemory() / HEAP_SHARE / UNIT, 1, 1 << 30);
    private final Semaphore room = new Semaphore(roomUnits);
    private final AtomicInteger decoding = new AtomicInteger();
    private final HostImageReader reader;
    private final LongAdder finishedImages;

    /**
     * @param most bytes of pixels that a lane has room for
     * @param finishedImages counts the images that were read here for the device to finish
     */
    HostPool(
            int threads,
            HostImageDecoder decoder,
            HostImageReader reader,
            HostPreprocessor preprocessor,
            BufferAllocator allocator,
            boolean half,
            long most,
            Intake intake,
            LongAdder finishedImages,
            Consumer<Throwable> onFailure) {
        this.reader = reader;
        this.finishedImages = finishedImages;
        this.threads = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("lenstream-host-", 0).daemon().factory());
        this.decoder = decoder;
        this.preprocessor = preprocessor;
        this.allocator = allocator;
        this.half = half;
        this.most = most;
        this.intake = intake;
        this.onFailure = onFailure;
    }

    /** Decodes the image here; it comes back to the intake with its pixels or as a finished row, or is rejected. */
    void decode(Item item) {
        decoding.incrementAndGet();
        run(() -> {
            try {
                prepare(item);
            } finally {
                decoding.decrementAndGet();
            }
        });
    }

    /**
     * Whether an image comes here in any case, as its first bytes tell: then it need not wait for a lane to find that out, and there
     * is work here while all lanes wait for the device.
     */
    static boolean isForHost(byte[] image) {
        if (image.length < 12) {
            return false;
        }
        int first = (int) FIRST_BYTES.get(image, 0);
        return first == PNG || first == RIFF && (int) FIRST_BYTES.get(image, 8) == WEBP;
    }

    /** Whether images are being decoded or wait for it. */
    boolean isDecoding() {
        return decoding.get() > 0;
    }

    /** Encodes the thumbnail of an embedded image, then completes it. */
    void finish(Item item, byte[] rgb, Embedding embedding) {
        run(() -> {
            Geometry size = ThumbnailMaker.geometry(item.width, item.height);
            describe(item, rgb, size);
            item.embedded(embedding);
        });
    }

    private static void describe(Item item, byte[] rgb, Geometry size) {
        item.thumbnail = Thumbnail.jpeg(rgb, size.width(), size.height());
        item.features = PixelAnalysis.of(rgb, size.width(), size.height());
    }

    private void run(Runnable task) {
        try {
            threads.execute(() -> {
                try {
                    task.run();
                } catch (Throwable failure) {
                    onFailure.accept(failure);
                }
            });
        } catch (RejectedExecutionException e) {
            onFailure.accept(e);
        }
    }

    private void prepare(Item item) {
        try {
            decodeNow(item);
        } catch (IllegalArgumentException outside) {
            if (item.box == null) {
                throw outside;
            }
            item.fail(outside);
        }
    }

    private void decodeNow(Item item) {
        if (item.header == null && item.box == null && !item.readHeader(decoder)) {
            return;
        }
        if (item.readable && read(item)) {
            intake.addFirst(item);
            return;
        }
        Decoded decoded;
        try (var inside = Range.HOST_DECODE.enter()) {
            decoded = decoder.decode(ByteBuffer.wrap(item.bytes));
        }
        switch (decoded) {
            case Decoded.Rejected rejected ->
                item.reject(rejected.format(), Stage.DECODE, rejected.reason(), rejected.detail());
            case Decoded.Image image -> {
                Pixels whole = image.pixels();
                item.width = whole.width();
                item.height = whole.height();
                item.header = new Probed.Image(image.format(), whole.width(), whole.height(), 1, image.frames());
                Pixels wanted = wanted(item, whole);
                if (item.wantsRow || bytes(wanted) > most) {
                    preprocess(item, wanted);
                } else {
                    waitForRoom(wanted);
                    item.pixels = wanted;
                }
                intake.addFirst(item);
            }
        }
    }

    /** Reads an image for the device to finish; false if it has to be decoded here. */
    @SuppressWarnings("MustBeClosed") // the item's, until it is copied
    private boolean read(Item item) {
        item.readable = false;
        Unfinished unfinished;
        try (var inside = Range.HOST_READ.enter()) {
            unfinished = reader.read(item.header().format(), item.bytes);
        }
        if (unfinished == null) {
            return false;
        }
        if (unfinished.bytes() > most) {
            unfinished.close();
            return false;
        }
        try {
            room.acquire(units(unfinished.bytes()));
        } catch (InterruptedException e) {
            unfinished.close();
            throw closing();
        }
        item.unfinished = unfinished;
        finishedImages.increment();
        return true;
    }

    /** The part of an image that is embedded; takes over the image. */
    @SuppressWarnings("MustBeClosed") // the caller's
    private static Pixels wanted(Item item, Pixels whole) {
        GpuEngine.Box box = item.box;
        if (box == null) {
            return whole;
        }
        try (whole) {
            return whole.crop(box.x(), box.y(), box.width(), box.height());
        }
    }

    private static long bytes(Pixels pixels) {
        return 3L * pixels.width() * pixels.height();
    }

    /** The lanes make room, whatever happens here. */
    private void waitForRoom(Pixels pixels) {
        try {
            room.acquire(units(bytes(pixels)));
        } catch (InterruptedException e) {
            pixels.close();
            throw closing();
        }
    }

    private static CancellationException closing() {
        Thread.currentThread().interrupt();
        return new CancellationException("closing");
    }

    private int units(long bytes) {
        return (int) Math.min(roomUnits, bytes / UNIT + 1);
    }

    /** Takes back the pixels of an image, or what was read of it, once they are copied. */
    void copied(Item item) {
        Pixels pixels = item.pixels;
        if (pixels != null) {
            item.pixels = null;
            room.release(units(bytes(pixels)));
            pixels.close();
        }
        Unfinished unfinished = item.unfinished;
        if (unfinished != null) {
            item.unfinished = null;
            room.release(units(unfinished.bytes()));
            unfinished.close();
        }
    }

    private void preprocess(Item item, Pixels pixels) {
        try (pixels;
                HostTensor tensor = HostTensor.allocate(allocator, 1, preprocessor.size())) {
            preprocessor.apply(pixels, tensor, 0);
            item.tensorRow = row(tensor);
            if (item.wantsThumbnail) {
                var maker = new ThumbnailMaker();
                describe(item, maker.pixels(pixels), ThumbnailMaker.geometry(item.width, item.height));
            }
        }
    }

    private byte[] row(HostTensor tensor) {
        var floats = tensor.view(1);
        int count = tensor.rowLength();
        ByteBuffer bytes = ByteBuffer.allocate(count * (half ? 2 : 4)).order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            if (half) {
                bytes.putShort(2 * i, Float.floatToFloat16(floats.get(i)));
            } else {
                bytes.putFloat(4 * i, floats.get(i));
            }
        }
        return bytes.array();
    }

    @Override
    public void close() throws InterruptedException {
        threads.shutdownNow();
        if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the host threads did not end within " + CLOSE_SECONDS + " s");
        }
    }
}
