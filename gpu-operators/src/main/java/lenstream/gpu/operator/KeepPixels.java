package lenstream.gpu.operator;

import java.util.Optional;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.PixelRules;
import lenstream.core.image.PixelSource;
import lenstream.core.image.StoredImage;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.pipeline.PixelCopy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Makes of a fetched image what the image store keeps. One that cannot be decoded for its copy is not kept. */
public final class KeepPixels extends RichFlatMapFunction<FetchedImage, StoredImage> {
    private static final long serialVersionUID = 1;

    private final PixelRules rules;
    private final DecodeLimits limits;
    private transient @Nullable PixelCopy copies;
    private transient @Nullable Counter images;
    private transient @Nullable Counter bytes;

    public KeepPixels(PixelRules rules, DecodeLimits limits) {
        this.rules = rules;
        this.limits = limits;
    }

    @Override
    public void open(OpenContext context) {
        copies = new PixelCopy(rules, limits);
        images = getRuntimeContext().getMetricGroup().counter("lenstream_stored");
        bytes = getRuntimeContext().getMetricGroup().counter("lenstream_stored_bytes");
    }

    @Override
    public void flatMap(FetchedImage image, Collector<StoredImage> out) {
        if (copies == null || images == null || bytes == null) {
            throw new IllegalStateException("not open");
        }
        PixelSource source = rules.sourceOf(image.bytes().length);
        Optional<byte[]> kept = switch (source) {
            case ORIGINAL -> Optional.of(image.bytes());
            case COPY -> copies.of(image.bytes());
            case NONE -> Optional.empty();
        };
        if (kept.isPresent()) {
            byte[] pixels = kept.get();
            images.inc();
            bytes.inc(pixels.length);
            out.collect(new StoredImage(
                    image.target().id(), image.target().url(), image.sha256(), image.version(), source, pixels));
        }
    }
}
