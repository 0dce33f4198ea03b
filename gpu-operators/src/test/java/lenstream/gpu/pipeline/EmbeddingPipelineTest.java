package lenstream.gpu.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class EmbeddingPipelineTest {
    private static final Path IMAGES = Path.of("src/test/resources/golden/decode");

    private static PipelineConfig config() {
        return new PipelineConfig(Lensmini.BUNDLE.toString(), 4, 2, 1, DecodeLimits.defaults());
    }

    private static byte[] image(String name) throws IOException {
        return Files.readAllBytes(IMAGES.resolve(name));
    }

    private static float[] vector(EmbeddedImage row) {
        return java.util.Objects.requireNonNull(row.embedding());
    }

    private static double cosine(EmbeddedImage a, EmbeddedImage b) {
        return GoldenImages.cosine(vector(a), vector(b));
    }

    @Test
    void rowsComeInOrderAndBadImagesAreRows() throws IOException {
        var images = new ArrayList<FetchedImage>();
        byte[][] kinds = {
            image("jpeg-420.jpg"),
            "<html>".getBytes(StandardCharsets.UTF_8),
            image("png-rgba.png"),
            {},
            image("gif-animated.gif"),
            Arrays.copyOf(image("jpeg-420.jpg"), 700),
            image("webp-lossy.webp")
        };
        for (int i = 0; i < 23; i++) {
            images.add(Lensmini.fetched("image-" + i, kinds[i % kinds.length]));
        }
        try (var root = new RootAllocator()) {
            try (var pipeline = EmbeddingPipeline.open(config(), root)) {
                List<EmbeddedImage> rows = pipeline.embed(images);
                assertThat(rows).hasSameSizeAs(images);
                for (int i = 0; i < rows.size(); i++) {
                    EmbeddedImage row = rows.get(i);
                    assertThat(row.target()).isEqualTo(images.get(i).target());
                    assertThat(row.rejected()).isEqualTo(i % 7 == 1 || i % 7 == 3 || i % 7 == 5);
                    if (!row.rejected()) {
                        // an image's vector does not depend on its neighbours
                        assertThat(cosine(row, rows.get(i % 7))).isGreaterThan(0.999999);
                    }
                }
                assertThat(rows.get(1).reason()).isEqualTo(Reason.NOT_AN_IMAGE);
                assertThat(rows.get(3).reason()).isEqualTo(Reason.EMPTY);
                assertThat(rows.get(5).reason()).isEqualTo(Reason.TRUNCATED_IMAGE);
                assertThat(rows.get(5).stage()).isEqualTo(Stage.DECODE);
                assertThat(rows.get(4).frames()).isEqualTo(3);
                assertThat(rows.get(0).mime()).isEqualTo("image/jpeg");
                assertThat(pipeline.stats().embedded() + pipeline.stats().rejected())
                        .isEqualTo(23);
            }
            assertThat(root.getAllocatedMemory()).isZero();
        }
    }

    @Test
    void anEmptyBatchHasNoRows() {
        try (var pipeline = EmbeddingPipeline.open(config())) {
            assertThat(pipeline.embed(List.of())).isEmpty();
        }
    }

    @Test
    void thumbnailsAreSmallJpegs() throws IOException {
        byte[] large = Files.readAllBytes(Lensmini.BUNDLE.resolve("golden/stripes.png"));
        try (var pipeline = EmbeddingPipeline.open(config())) {
            EmbeddedImage row = pipeline.embed(Lensmini.fetched(large)).get(0);
            byte[] thumbnail = java.util.Objects.requireNonNull(row.thumbnail());
            var decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
            Decoded decoded = decoder.decode(
                    ByteBuffer.allocateDirect(thumbnail.length).put(thumbnail).flip());
            try (Pixels pixels = ((Decoded.Image) decoded).pixels()) {
                assertThat(Math.max(pixels.width(), pixels.height())).isLessThanOrEqualTo(256);
                double expected = (double) row.width() / row.height();
                assertThat((double) pixels.width() / pixels.height()).isBetween(expected * 0.98, expected * 1.02);
            }
        }
    }

    @Test
    void aQueryIsTheSameAsARow() throws Exception {
        byte[] bytes = image("jpeg-exif-6.jpg");
        try (var pipeline = EmbeddingPipeline.open(config())) {
            EmbeddedImage row = pipeline.embed(Lensmini.fetched(bytes)).get(0);
            QueryImage query = pipeline.embedQuery(bytes);
            assertThat(GoldenImages.cosine(query.embedding(), vector(row))).isGreaterThan(0.999999);
            assertThat(query.width()).isEqualTo(27);
            assertThat(query.height()).isEqualTo(41);
            assertThat(pipeline.embedQuery(bytes, new Region(0, 0, 27, 41)).embedding())
                    .isEqualTo(query.embedding());
            assertThat(pipeline.embedQuery(bytes, new Region(5, 5, 10, 10)).embedding())
                    .isNotEqualTo(query.embedding());
            assertThatThrownBy(() -> pipeline.embedQuery(bytes, new Region(30, 0, 5, 5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("27 x 41");
            assertThatExceptionOfType(ImageRejectedException.class)
                    .isThrownBy(() -> pipeline.embedQuery(new byte[0]))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.EMPTY));
        }
    }

    @Test
    @SuppressWarnings("MustBeClosed") // closed at the end, twice
    void queriesOfABatchAreTheSameAsAlone() throws Exception {
        try (var pipeline = EmbeddingPipeline.open(config())) {
            List<GoldenImages.Golden> golden = GoldenImages.read(pipeline.bundle());
            var queries = new ArrayList<PreparedQuery>();
            try {
                for (GoldenImages.Golden image :
                        golden.subList(0, pipeline.queries().most())) {
                    queries.add(pipeline.prepareQuery(image.bytes(), null));
                }
                queries.add(pipeline.prepareQuery(
                        FloatBuffer.wrap(queries.getFirst().toArray())));
                List<Embedding> together = pipeline.embedQueries(queries);
                assertThat(together).hasSize(pipeline.queries().most() + 1);
                for (int i = 0; i < together.size(); i++) {
                    float[] alone = pipeline.embedQuery(
                                    golden.get(i % pipeline.queries().most()).bytes())
                            .embedding();
                    float[] vector = ((Embedding.Vector) together.get(i)).values();
                    assertThat(vector).containsExactly(alone, offset(1e-5f));
                    assertThat(GoldenImages.cosine(
                                    vector,
                                    golden.get(i % pipeline.queries().most()).vector()))
                            .isGreaterThan(0.9999);
                }
            } finally {
                queries.forEach(PreparedQuery::close);
                queries.forEach(PreparedQuery::close);
            }
        }
    }

    @Test
    void aFailingEmbedderFailsEverythingUnderWayAndFreesItsMemory() throws IOException {
        byte[] good = image("jpeg-420.jpg");
        try (var root = new RootAllocator()) {
            var failing = new FailingEmbedder();
            try (var pipeline = EmbeddingPipeline.open(config(), root, (bundle, threads) -> failing)) {
                failing.fail = true;
                CompletableFuture<List<EmbeddedImage>> first = pipeline.submit(Lensmini.fetched(good, good));
                assertThatThrownBy(() -> first.get(30, TimeUnit.SECONDS)).hasCauseInstanceOf(DeviceException.class);
                assertThatThrownBy(() -> pipeline.submit(Lensmini.fetched(good)).get(30, TimeUnit.SECONDS))
                        .isInstanceOf(Exception.class);
            }
            assertThat(root.getAllocatedMemory()).isZero();
        }
    }

    @Test
    void anUnusableVectorIsARejection() throws IOException {
        byte[] good = image("jpeg-420.jpg");
        try (var root = new RootAllocator();
                var pipeline = EmbeddingPipeline.open(config(), root, (bundle, threads) -> new BadVectors())) {
            assertThat(pipeline.embed(Lensmini.fetched(good)))
                    .singleElement()
                    .satisfies(row -> assertThat(row.reason()).isEqualTo(Reason.BAD_EMBEDDING));
        }
    }

    @Test
    void closingCancelsWhatIsUnderWay() throws IOException {
        byte[] good = image("jpeg-420.jpg");
        var images = new ArrayList<byte[]>();
        for (int i = 0; i < 200; i++) {
            images.add(good);
        }
        try (var root = new RootAllocator()) {
            CompletableFuture<List<EmbeddedImage>> result;
            try (var pipeline = EmbeddingPipeline.open(config(), root)) {
                result = pipeline.submit(Lensmini.fetched(images.toArray(byte[][]::new)));
            }
            assertThat(result).isDone();
            assertThat(root.getAllocatedMemory()).isZero();
        }
    }

    @Test
    void aWrongEncoderRefusesToStart() {
        try (var root = new RootAllocator()) {
            assertThatThrownBy(() -> open(root))
                    .isInstanceOf(ParityException.class)
                    .hasMessageContaining("0.999");
            assertThat(root.getAllocatedMemory()).isZero();
        }
    }

    @MustBeClosed
    private static EmbeddingPipeline open(RootAllocator root) {
        return EmbeddingPipeline.open(config(), root, (bundle, threads) -> new ConstantVectors());
    }

    /** Right on the golden images, by the real tower, until told to fail. */
    private static final class FailingEmbedder implements ImageEmbedder {
        private final ImageEmbedder real;
        volatile boolean fail;

        @SuppressWarnings("MustBeClosed") // freed in close()
        FailingEmbedder() {
            real = lenstream.gpu.embed.onnx.OnnxImageEmbedder.open(ModelBundle.load(Lensmini.BUNDLE), 1);
        }

        @Override
        public int dim() {
            return real.dim();
        }

        @Override
        public List<Embedding> embed(HostTensor tensor, int rows) {
            if (fail) {
                throw new DeviceException("embed " + rows + " images: the device is gone", null);
            }
            return real.embed(tensor, rows);
        }

        @Override
        public void close() {
            real.close();
        }
    }

    /** Right on the golden images, zero vectors for batches. */
    private static final class BadVectors implements ImageEmbedder {
        private final FailingEmbedder real = new FailingEmbedder();

        @Override
        public int dim() {
            return real.dim();
        }

        @Override
        public List<Embedding> embed(HostTensor tensor, int rows) {
            if (tensor.capacity() == 1) {
                return real.embed(tensor, rows);
            }
            return List.of(Embedding.of(new float[dim()], 0, dim(), true));
        }

        @Override
        public void close() {
            real.close();
        }
    }

    private static final class ConstantVectors implements ImageEmbedder {
        @Override
        public int dim() {
            return 384;
        }

        @Override
        public List<Embedding> embed(HostTensor tensor, int rows) {
            var one = new float[384];
            Arrays.fill(one, 1);
            return List.of(Embedding.of(one, 0, 384, true));
        }

        @Override
        public void close() {}
    }
}
