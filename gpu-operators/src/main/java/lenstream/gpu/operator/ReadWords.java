package lenstream.gpu.operator;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.OcrBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.ocr.Reading;
import lenstream.gpu.ocr.TextReader;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * Adds to each image the words that stand in it. One that cannot be decoded goes on as it came: the embed stage, which decodes it
 * too, says why it is rejected. So does one so large that the readers of this process together might need more than a sixth of its
 * heap for such pictures. Holds nothing back: a barrier waits for one picture at most.
 */
public final class ReadWords extends RichMapFunction<FetchedImage, FetchedImage> {
    private static final long serialVersionUID = 1;

    /** Share of the heap that pictures may take while they are read; embedding and the image store have theirs. */
    private static final long HEAP_SHARE = 6;

    /** Pixels of a picture that is read however small the heap is. */
    private static final long LEAST_PIXELS = 4_000_000;

    private static final int RGB = 3;

    private final OcrConfig config;
    private final DecodeLimits limits;
    private transient @Nullable TextReader reader;
    private transient @Nullable HostImageDecoder decoder;
    private transient @Nullable Counts counts;

    /**
     * {@code read}: pictures; {@code withWords, cutShort}: of these; {@code lines}: of text; {@code nanos}: without decoding;
     * {@code skipped}: broken, or too large.
     */
    private record Counts(
            Counter read, Counter withWords, Counter lines, Counter cutShort, Counter nanos, Counter skipped) {
        static Counts in(MetricGroup metrics) {
            return new Counts(
                    metrics.counter("lenstream_ocr_read"),
                    metrics.counter("lenstream_ocr_with_words"),
                    metrics.counter("lenstream_ocr_lines"),
                    metrics.counter("lenstream_ocr_cut_short"),
                    metrics.counter("lenstream_ocr_nanos"),
                    metrics.counter("lenstream_ocr_skipped"));
        }
    }

    /** @param limits of decoding, those of the embed stage */
    public ReadWords(OcrConfig config, DecodeLimits limits) {
        this.config = config;
        this.limits = limits;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open(OpenContext context) {
        reader = TextReader.open(OcrBundle.load(Path.of(config.bundle())), config.limits(), config.threads());
        long share = Runtime.getRuntime().maxMemory() / HEAP_SHARE / config.readers() / RGB;
        long pixels = Math.min(limits.maxPixels(), Math.max(LEAST_PIXELS, share));
        decoder = new HostImageDecoder(limits.with(pixels, limits.maxBytes()), DecodeRules.defaults(), 1);
        counts = Counts.in(getRuntimeContext().getMetricGroup());
    }

    @Override
    public FetchedImage map(FetchedImage image) {
        if (reader == null || decoder == null || counts == null) {
            throw new IllegalStateException("not open");
        }
        ByteBuffer direct = ByteBuffer.allocateDirect(image.bytes().length)
                .put(image.bytes())
                .flip();
        return switch (decoder.decode(direct)) {
            case Decoded.Rejected rejected -> {
                counts.skipped.inc();
                yield image;
            }
            case Decoded.Image decoded -> {
                try (Pixels pixels = decoded.pixels()) {
                    long start = System.nanoTime();
                    Reading reading = reader.read(pixels);
                    count(counts, reading, System.nanoTime() - start);
                    yield reading.words().isEmpty() ? image : image.withWords(reading.words());
                }
            }
        };
    }

    private static void count(Counts counts, Reading reading, long nanos) {
        counts.read.inc();
        counts.nanos.inc(nanos);
        counts.lines.inc(reading.words().size());
        if (!reading.words().isEmpty()) {
            counts.withWords.inc();
        }
        if (!reading.complete()) {
            counts.cutShort.inc();
        }
    }

    @Override
    public void close() {
        TextReader last = reader;
        reader = null;
        if (last != null) {
            last.close();
        }
    }
}
