package lenstream.connector.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelSource;
import lenstream.core.image.StoredImage;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageStoreTest {
    @Test
    void anImageComesBackAsItWasAndACutOffEndIsNotRead() throws IOException {
        StoredImage first = image(1);
        StoredImage second = image(2);
        try (var memory = new RootAllocator()) {
            byte[] a = StoredImageFormat.write(first, memory);
            byte[] b = StoredImageFormat.write(second, memory);
            for (int cut : new int[] {1, 4, 9, 200, b.length / 2, b.length - 9, b.length - 1}) {
                var file = new ByteArrayInputStream(joined(a, Arrays.copyOf(b, cut)));
                assertThat(StoredImageFormat.read(file, memory))
                        .usingRecursiveComparison()
                        .isEqualTo(first);
                assertThat(StoredImageFormat.read(file, memory))
                        .as("cut at %d", cut)
                        .isNull();
            }
            var whole = new ByteArrayInputStream(joined(a, b));
            assertThat(StoredImageFormat.read(whole, memory))
                    .usingRecursiveComparison()
                    .isEqualTo(first);
            assertThat(StoredImageFormat.read(whole, memory))
                    .usingRecursiveComparison()
                    .isEqualTo(second);
            assertThat(StoredImageFormat.read(whole, memory)).isNull();
            assertThat(a.length - first.bytes().length)
                    .as("what the format adds")
                    .isLessThan(1_500);
        }
    }

    @Test
    void whatTheSinkWritesTheSourceReads(@TempDir Path folder) throws Exception {
        String uri = "file://" + folder + "/a store 100%";
        List<StoredImage> images =
                IntStream.range(0, 300).mapToObj(ImageStoreTest::image).toList();
        var config = StoreConfig.at(uri);
        var env = StreamExecutionEnvironment.createLocalEnvironment(2);
        env.fromData(TypeInformation.of(StoredImage.class), images.toArray(StoredImage[]::new))
                .rebalance()
                .sinkTo(ImageStore.sink(new StoreConfig(
                        uri,
                        config.originalBytes(),
                        config.shorterSide(),
                        config.quality(),
                        lenstream.core.config.DataSize.parse("64KiB"),
                        config.rollAge())));
        env.execute();
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(f -> ImageStore.isFinished(f.getFileName().toString())))
                    .as("rolled by size")
                    .hasSizeGreaterThan(3);
        }
        var reading = StreamExecutionEnvironment.createLocalEnvironment(2);
        var found = new ArrayList<StoredImage>();
        try (CloseableIterator<StoredImage> rows = reading.fromSource(
                        ImageStore.source(uri), WatermarkStrategy.noWatermarks(), "store")
                .executeAndCollect()) {
            rows.forEachRemaining(found::add);
        }
        assertThat(found).usingRecursiveFieldByFieldElementComparator().containsExactlyInAnyOrderElementsOf(images);
    }

    private static StoredImage image(int number) {
        var bytes = new byte[1_000 + number];
        Arrays.fill(bytes, (byte) number);
        String url = "https://a.example/" + number + ".jpg";
        return new StoredImage(
                ImageId.ofUrl(url), url, ImageId.sha256(bytes), 1_000L + number, PixelSource.ORIGINAL, bytes);
    }

    private static byte[] joined(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
