package lenstream.gpu.pipeline;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.Reason;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Thumbnail;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.features.PixelAnalysis;
import lenstream.gpu.preprocess.HostTensor;
import lenstream.gpu.preprocess.Preprocessor;
import lenstream.gpu.preprocess.Resizer;
import org.jspecify.annotations.Nullable;

/** The three stages and their counters, as batches and queries share them. Thread-safe. Borrows its stages. */
final class Stages {
    private static final int THUMBNAIL_SIDE = 256;

    private final HostImageDecoder decoder;
    private final Preprocessor preprocessor;
    private final ImageEmbedder embedder;
    private final ThreadLocal<ThumbnailScratch> thumbnails = ThreadLocal.withInitial(ThumbnailScratch::new);

    final LongAdder in = new LongAdder();
    final LongAdder embedded = new LongAdder();
    final LongAdder rejected = new LongAdder();
    final LongAdder inferences = new LongAdder();
    final LongAdder decodeNanos = new LongAdder();
    final LongAdder preprocessNanos = new LongAdder();
    final LongAdder inferenceNanos = new LongAdder();

    private static final class ThumbnailScratch {
        final Resizer resizer = new Resizer();
        byte[] rgb = {};
    }

    /** 8-bit RGB whose sides are at most {@value #THUMBNAIL_SIDE}. */
    private record Small(byte[] rgb, int width, int height) {
        byte[] jpeg() {
            return Thumbnail.jpeg(rgb, width, height);
        }

        PixelFeatures features() {
            return PixelAnalysis.of(rgb, width, height);
        }
    }

    Stages(HostImageDecoder decoder, Preprocessor preprocessor, ImageEmbedder embedder) {
        this.decoder = decoder;
        this.preprocessor = preprocessor;
        this.embedder = embedder;
    }

    /** What came of decoding and preprocessing one image; its tensor row is written unless it was rejected. */
    record Prepared(
            @Nullable String mime,
            int width,
            int height,
            int frames,
            byte @Nullable [] thumbnail,
            @Nullable PixelFeatures features,
            @Nullable Reason reason,
            String detail) {}

    /** Decodes and preprocesses into a row of {@code tensor}; thumbnail and features are for the index only. */
    Prepared prepare(ByteBuffer bytes, HostTensor tensor, int row, boolean withThumbnail, @Nullable Region region) {
        long start = System.nanoTime();
        Decoded decoded = decoder.decode(bytes);
        long between = System.nanoTime();
        decodeNanos.add(between - start);
        return switch (decoded) {
            case Decoded.Rejected r ->
                new Prepared(
                        r.format() == null ? null : r.format().mime(), 0, 0, 0, null, null, r.reason(), r.detail());
            case Decoded.Image image -> {
                try (Pixels pixels = image.pixels()) {
                    Small small = withThumbnail ? small(pixels) : null;
                    byte[] thumbnail = small == null ? null : small.jpeg();
                    PixelFeatures features = small == null ? null : small.features();
                    int width = pixels.width();
                    int height = pixels.height();
                    if (region == null) {
                        preprocessor.apply(pixels, tensor, row);
                    } else {
                        try (Pixels part = pixels.crop(region.x(), region.y(), region.width(), region.height())) {
                            preprocessor.apply(part, tensor, row);
                        }
                    }
                    preprocessNanos.add(System.nanoTime() - between);
                    yield new Prepared(
                            image.format().mime(), width, height, image.frames(), thumbnail, features, null, "");
                }
            }
        };
    }

    List<Embedding> infer(HostTensor tensor, int rows) {
        long start = System.nanoTime();
        List<Embedding> out = embedder.embed(tensor, rows);
        inferenceNanos.add(System.nanoTime() - start);
        inferences.increment();
        return out;
    }

    /** The picture as a thumbnail has it; the array may be longer, and is borrowed until the thread's next call. */
    private Small small(Pixels pixels) {
        int longer = Math.max(pixels.width(), pixels.height());
        if (longer <= THUMBNAIL_SIDE) {
            return new Small(pixels.rgbView(), pixels.width(), pixels.height());
        }
        int width = Math.max(1, (int) ((long) THUMBNAIL_SIDE * pixels.width() / longer));
        int height = Math.max(1, (int) ((long) THUMBNAIL_SIDE * pixels.height() / longer));
        ThumbnailScratch scratch = thumbnails.get();
        if (scratch.rgb.length < width * height * 3) {
            scratch.rgb = new byte[THUMBNAIL_SIDE * THUMBNAIL_SIDE * 3];
        }
        scratch.resizer.resize(
                pixels.rgbView(),
                pixels.width(),
                pixels.height(),
                width,
                height,
                Interpolation.BILINEAR,
                0,
                0,
                width,
                height,
                scratch.rgb);
        return new Small(scratch.rgb, width, height);
    }
}
