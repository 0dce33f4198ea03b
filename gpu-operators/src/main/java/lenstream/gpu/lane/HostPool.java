package lenstream.gpu.lane;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import lenstream.core.image.Stage;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Probed;
import lenstream.gpu.decode.Thumbnail;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.features.PixelAnalysis;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.HostTensor;
import lenstream.gpu.preprocess.ThumbnailMaker;
import org.apache.arrow.memory.BufferAllocator;

/**
 * CPU threads beside the lanes: they decode and preprocess with the CPU twins what the device cannot decode or refused, and
 * encode thumbnails. Thread-safe. What waits here is bounded by the images that the engine takes in.
 */
final class HostPool implements AutoCloseable {
    private static final long CLOSE_SECONDS = 60;

    private final ExecutorService threads;
    private final HostImageDecoder decoder;
    private final HostPreprocessor preprocessor;
    private final BufferAllocator allocator;
    private final boolean half;
    private final Intake intake;
    private final Consumer<Throwable> onFailure;

    HostPool(
            int threads,
            HostImageDecoder decoder,
            HostPreprocessor preprocessor,
            BufferAllocator allocator,
            boolean half,
            Intake intake,
            Consumer<Throwable> onFailure) {
        this.threads = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("lenstream-host-", 0).daemon().factory());
        this.decoder = decoder;
        this.preprocessor = preprocessor;
        this.allocator = allocator;
        this.half = half;
        this.intake = intake;
        this.onFailure = onFailure;
    }

    /** Decodes the image here; it comes back to the intake as a finished row, or is rejected. */
    void decode(Item item) {
        run(() -> prepare(item));
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
            decodeAndPreprocess(item);
        } catch (IllegalArgumentException outside) {
            if (item.box == null) {
                throw outside;
            }
            item.fail(outside);
        }
    }

    private void decodeAndPreprocess(Item item) {
        ByteBuffer direct =
                ByteBuffer.allocateDirect(item.bytes.length).put(item.bytes).flip();
        switch (decoder.decode(direct)) {
            case Decoded.Rejected rejected ->
                item.reject(rejected.format(), Stage.DECODE, rejected.reason(), rejected.detail());
            case Decoded.Image image -> {
                try (Pixels pixels = image.pixels();
                        HostTensor tensor = HostTensor.allocate(allocator, 1, preprocessor.size())) {
                    preprocess(item, pixels, tensor);
                    item.tensorRow = row(tensor);
                    item.width = pixels.width();
                    item.height = pixels.height();
                    if (item.wantsThumbnail) {
                        var maker = new ThumbnailMaker();
                        describe(item, maker.pixels(pixels), ThumbnailMaker.geometry(item.width, item.height));
                    }
                    item.header = new Probed.Image(image.format(), pixels.width(), pixels.height(), 1, image.frames());
                }
                intake.add(List.of(item));
            }
        }
    }

    private void preprocess(Item item, Pixels pixels, HostTensor tensor) {
        GpuEngine.Box box = item.box;
        if (box == null) {
            preprocessor.apply(pixels, tensor, 0);
            return;
        }
        try (Pixels part = pixels.crop(box.x(), box.y(), box.width(), box.height())) {
            preprocessor.apply(part, tensor, 0);
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
