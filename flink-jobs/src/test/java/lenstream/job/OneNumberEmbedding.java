package lenstream.job;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.function.Function;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.PixelFeatures;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.jspecify.annotations.Nullable;

/** Stands where images are decoded and embedded, and does neither: every image gets the same embedding of one number. */
final class OneNumberEmbedding extends RichMapFunction<FetchedImage, ArrowBatch> {
    private static final long serialVersionUID = 1;

    private final String fingerprint;
    private transient @Nullable BufferAllocator allocator;
    private transient @Nullable Counter in;
    private transient @Nullable Counter embedded;

    private OneNumberEmbedding(String fingerprint) {
        this.fingerprint = fingerprint;
    }

    /** As a part of {@link ImageIndexJob}. */
    static Function<DataStream<FetchedImage>, SingleOutputStreamOperator<ArrowBatch>> of(String fingerprint) {
        return images -> images.map(new OneNumberEmbedding(fingerprint)).returns(TypeInformation.of(ArrowBatch.class));
    }

    @Override
    public void open(OpenContext context) {
        allocator = new RootAllocator();
        var group = getRuntimeContext().getMetricGroup();
        in = group.counter("lenstream_embed_in");
        embedded = group.counter("lenstream_embedded");
    }

    @Override
    public ArrowBatch map(FetchedImage image) {
        requireNonNull(in).inc();
        var features = new PixelFeatures(null, List.of("black"), "#000000");
        var row = EmbeddedImage.embedded(image, "image/png", 12, 12, 1, new float[] {1}, new byte[0], features);
        ArrowBatch batch = ArrowBatch.of(List.of(row), fingerprint, 1, requireNonNull(allocator));
        requireNonNull(embedded).inc();
        return batch;
    }

    @Override
    public void close() {
        if (allocator != null) {
            allocator.close();
            allocator = null;
        }
    }
}
