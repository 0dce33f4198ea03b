package lenstream.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ArrowBatchTest {
    private final BufferAllocator allocator = new RootAllocator(16 << 20);

    @AfterEach
    void nothingLeaks() {
        assertThat(allocator.getAllocatedMemory()).isZero();
        allocator.close();
    }

    @Test
    void keepsEmbeddedAndRejectedRowsInOrder() {
        var good = EmbeddedImage.embedded(
                fetched("https://e.example/a.jpg", "Ein Süßkirschbaum 🍒"),
                "image/jpeg",
                640,
                480,
                1,
                new float[] {0.6f, 0.8f, 0},
                new byte[] {1, 2, 3},
                new PixelFeatures(-7L, List.of("red", "gray"), "#c01010"));
        var bad = EmbeddedImage.rejected(
                fetched("https://e.example/b.jpg", null), null, Stage.DECODE, Reason.CORRUPT, "no such marker");
        ArrowBatch batch = ArrowBatch.of(List.of(bad, good, bad), "tiny-1-00000000", 3, allocator);

        assertThat(batch.rows()).isEqualTo(3);
        ArrowBatch.Contents contents = batch.read(allocator);
        assertThat(contents.fingerprint()).isEqualTo("tiny-1-00000000");
        assertThat(contents.rows()).usingRecursiveComparison().isEqualTo(List.of(bad, good, bad));
    }

    @Test
    void keepsTheWordsOfEachPicture() {
        var sign = new TextRegion("Zürich 🚲", 0.97f, 12, 0, 80, 21);
        var small = new TextRegion("Gleis 7", 0.61f, 12, 30, 40, 9);
        List<EmbeddedImage> rows = List.of(read(List.of(sign, small)), read(List.of()), read(List.of(small)));
        ArrowBatch batch = ArrowBatch.of(rows, "tiny-1-00000000", 1, allocator);
        assertThat(batch.read(allocator).rows())
                .extracting(EmbeddedImage::words)
                .containsExactly(List.of(sign, small), List.of(), List.of(small));
    }

    @Test
    void growsBeyondTheFirstAllocation() {
        var image = EmbeddedImage.embedded(
                fetched("https://e.example/a.jpg", "x".repeat(3_000)),
                "image/png",
                1,
                1,
                1,
                new float[64],
                new byte[5_000],
                new PixelFeatures(null, List.of("black"), "#000000"));
        ArrowBatch batch = ArrowBatch.of(java.util.Collections.nCopies(300, image), "tiny-1-00000000", 64, allocator);
        assertThat(batch.read(allocator).rows())
                .hasSize(300)
                .allSatisfy(row -> assertThat(row.thumbnail()).hasSize(5_000));
    }

    @Test
    void refusesAnEmbeddingOfAnotherLength() {
        var image = EmbeddedImage.embedded(
                fetched("https://e.example/a.jpg", null),
                "image/png",
                1,
                1,
                1,
                new float[2],
                new byte[0],
                new PixelFeatures(null, List.of("black"), "#000000"));
        assertThatThrownBy(() -> ArrowBatch.of(List.of(image), "tiny-1-00000000", 3, allocator))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("embedding of 2 values in a batch of 3");
    }

    private static EmbeddedImage read(List<TextRegion> words) {
        return EmbeddedImage.embedded(
                fetched("https://e.example/a.jpg", null).withWords(words),
                "image/png",
                100,
                60,
                1,
                new float[] {1},
                null,
                null);
    }

    private static FetchedImage fetched(String url, @org.jspecify.annotations.Nullable String title) {
        var target = new CrawlTarget(
                url, "e.example", "https://e.example/", null, title, null, null, null, null, -1, 17, "sitemap");
        byte[] bytes = {9};
        return new FetchedImage(target, bytes, ImageId.sha256(bytes), 1_767_225_600_000L);
    }
}
