package lenstream.gpu.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.Lensmini;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class EmbedOperatorTest {
    private static final Path IMAGES = Path.of("src/test/resources/golden/decode");

    private static EmbedConfig config(int rows, long bytes) {
        var pipeline = new PipelineConfig(Lensmini.BUNDLE.toString(), 4, 2, 1, DecodeLimits.defaults());
        return new EmbedConfig(pipeline, rows, bytes, Duration.ofMillis(100), 2);
    }

    private static OneInputStreamOperatorTestHarness<FetchedImage, ArrowBatch> harness(EmbedConfig config)
            throws Exception {
        return new OneInputStreamOperatorTestHarness<>(new EmbedOperatorFactory(config));
    }

    private static FetchedImage image(int number) throws IOException {
        return Lensmini.fetched("image-" + number, Files.readAllBytes(IMAGES.resolve("jpeg-420.jpg")));
    }

    private static List<EmbeddedImage> rows(List<ArrowBatch> batches) {
        var rows = new ArrayList<EmbeddedImage>();
        try (var allocator = new RootAllocator()) {
            batches.forEach(batch -> rows.addAll(batch.read(allocator).rows()));
        }
        return rows;
    }

    @Test
    void aBatchClosesByRowsAndKeepsOrder() throws Exception {
        try (var harness = harness(config(3, 1 << 20))) {
            harness.open();
            for (int i = 0; i < 20; i++) {
                harness.processElement(image(i), i);
            }
            harness.endInput();
            List<ArrowBatch> batches = harness.extractOutputValues();
            assertThat(batches).extracting(ArrowBatch::rows).containsExactly(3, 3, 3, 3, 3, 3, 2);
            assertThat(rows(batches)).extracting(row -> row.target().url()).containsExactlyElementsOf(urls(20));
        }
    }

    private static List<String> urls(int count) throws IOException {
        var urls = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            urls.add(image(i).target().url());
        }
        return urls;
    }

    @Test
    void aBatchClosesByBytes() throws Exception {
        int length = image(0).bytes().length;
        try (var harness = harness(config(100, 2L * length + 1))) {
            harness.open();
            for (int i = 0; i < 6; i++) {
                harness.processElement(image(i), i);
            }
            harness.endInput();
            assertThat(harness.extractOutputValues())
                    .extracting(ArrowBatch::rows)
                    .containsExactly(2, 2, 2);
        }
    }

    @Test
    void aBatchClosesByTime() throws Exception {
        try (var harness = harness(config(100, 1 << 20))) {
            harness.setProcessingTime(0);
            harness.open();
            harness.processElement(image(0), 1);
            harness.setProcessingTime(99);
            harness.processElement(image(1), 2);
            harness.setProcessingTime(100);
            harness.processElement(image(2), 3);
            harness.endInput();
            assertThat(harness.extractOutputValues())
                    .extracting(ArrowBatch::rows)
                    .containsExactly(2, 1);
        }
    }

    @Test
    void aTimerOfAClosedBatchLeavesTheNextOneOpen() throws Exception {
        try (var harness = harness(config(2, 1 << 20))) {
            harness.setProcessingTime(0);
            harness.open();
            harness.processElement(image(0), 1);
            harness.processElement(image(1), 2);
            harness.setProcessingTime(50);
            harness.processElement(image(2), 3);
            harness.setProcessingTime(110);
            harness.processElement(image(3), 3);
            harness.endInput();
            assertThat(harness.extractOutputValues())
                    .extracting(ArrowBatch::rows)
                    .containsExactly(2, 2);
        }
    }

    @Test
    void nothingIsHeldAcrossACheckpointBarrier() throws Exception {
        try (var harness = harness(config(100, 1 << 20))) {
            harness.open();
            for (int i = 0; i < 5; i++) {
                harness.processElement(image(i), i);
            }
            harness.prepareSnapshotPreBarrier(1);
            assertThat(harness.extractOutputValues())
                    .extracting(ArrowBatch::rows)
                    .containsExactly(5);
        }
    }

    @Test
    void aWatermarkStaysBehindWhatCameBeforeIt() throws Exception {
        try (var harness = harness(config(100, 1 << 20))) {
            harness.open();
            harness.processElement(image(0), 1);
            harness.processWatermark(new Watermark(1));
            assertThat(harness.getOutput()).hasSize(2).last().isEqualTo(new Watermark(1));
        }
    }

    @Test
    void aBrokenImageIsARowAmongGoodNeighbours() throws Exception {
        try (var harness = harness(config(100, 1 << 20))) {
            harness.open();
            harness.processElement(image(0), 1);
            harness.processElement(Lensmini.fetched("broken", "<html>".getBytes(StandardCharsets.UTF_8)), 2);
            harness.processElement(image(2), 3);
            harness.endInput();
            assertThat(rows(harness.extractOutputValues()))
                    .extracting(EmbeddedImage::rejected)
                    .containsExactly(false, true, false);
        }
    }

    @Test
    void aFailingDeviceFailsTheTaskAndLeavesNoMemoryBehind() throws Exception {
        try (var harness = new OneInputStreamOperatorTestHarness<FetchedImage, ArrowBatch>(
                new EmbedOperatorFactory(config(2, 1 << 20), EmbedOperatorTest::failing))) {
            harness.open();
            harness.processElement(image(0), 1);
            harness.processElement(image(1), 2);
            assertThatThrownBy(harness::endInput).isInstanceOf(DeviceException.class);
        } // closing an allocator that holds memory throws
    }

    @MustBeClosed
    private static EmbeddingPipeline failing(PipelineConfig config, BufferAllocator parent) {
        return EmbeddingPipeline.open(config, parent, (bundle, threads) -> new FailsOnBatches(bundle));
    }

    @Test
    void aFailedOpenLeavesNothingBehind() throws Exception {
        var nowhere = new PipelineConfig("/nowhere", 4, 1, 1, DecodeLimits.defaults());
        try (var harness = harness(new EmbedConfig(nowhere, 2, 100, Duration.ofMillis(1), 1))) {
            assertThatThrownBy(harness::open).hasMessageContaining("/nowhere");
        }
    }

    /** Embeds the golden images, then fails. */
    private static final class FailsOnBatches implements ImageEmbedder {
        private final ImageEmbedder real;

        @SuppressWarnings("MustBeClosed") // freed in close()
        FailsOnBatches(ModelBundle bundle) {
            real = OnnxImageEmbedder.open(bundle, 1);
        }

        @Override
        public int dim() {
            return real.dim();
        }

        @Override
        public List<Embedding> embed(HostTensor tensor, int rows) {
            if (tensor.capacity() > 1) {
                throw new DeviceException("embed " + rows + " images: the device is gone", null);
            }
            return real.embed(tensor, rows);
        }

        @Override
        public void close() {
            real.close();
        }
    }
}
