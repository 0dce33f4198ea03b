package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.PixelRules;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.image.TextRegion;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ImageEntriesTest {
    private static final PixelFeatures FEATURES = new PixelFeatures(7L, List.of("red"), "#ff0000");
    private static final IndexLayout LAYOUT = IndexLayout.defaults();
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final Instant NOW = Instant.parse("2026-01-31T08:00:00Z");
    private static final float[] UNIT = {0.6f, 0.8f, 0, 0};

    @Test
    void anImageBecomesItsDocumentAndItsThumbnail() throws Exception {
        List<BulkEntry> entries = entries(fetched("a\nb"), UNIT);
        assertThat(entries)
                .extracting(BulkEntry::index)
                .containsExactly(LAYOUT.imageIndex(FINGERPRINT), LAYOUT.thumbnailIndex(), LAYOUT.rejectionIndex());
        assertThat(entries.subList(0, 2))
                .allSatisfy(entry -> assertThat(entry.version()).isEqualTo(42));
        JsonNode image = json(entries.get(0));
        assertThat(image.path("id").asText()).isEqualTo(ImageId.ofUrl("http://e.test/a.jpg"));
        assertThat(image.path("title").asText()).isEqualTo("a\nb");
        assertThat(image.path("embedding")).hasSize(4);
        assertThat(image.path("indexed").asText()).isEqualTo("2026-01-31T08:00:00Z");
        assertThat(image.path("group_id").asText()).isEqualTo("0".repeat(32));
        assertThat(image.has("published")).isFalse();
        assertThat(json(entries.get(1)).path("jpeg").binaryValue()).containsExactly(1, 2, 3);
    }

    @Test
    void documentsStandOnOneLine() {
        assertThat(entries(fetched("a\nb\r\u2028"), UNIT))
                .filteredOn(entry -> entry.op() == BulkEntry.Op.INDEX)
                .allSatisfy(entry -> assertThat(new String(bytes(entry), StandardCharsets.UTF_8))
                        .doesNotContain("\n", "\r"));
    }

    @Test
    void aSuccessWithdrawsTheEarlierRejection() {
        assertThat(entries(fetched("a"), UNIT))
                .last()
                .isEqualTo(BulkEntry.delete(LAYOUT.rejectionIndex(), ImageId.ofUrl("http://e.test/a.jpg"), 41));
    }

    @Test
    void aRejectedRowBecomesItsRejection() throws Exception {
        EmbeddedImage row = EmbeddedImage.rejected(fetched("a"), null, Stage.DECODE, Reason.CORRUPT, "no image data");
        List<BulkEntry> entries = ImageEntries.of(row, LAYOUT, FINGERPRINT, PixelRules.NONE, NOW);
        String id = ImageId.ofUrl("http://e.test/a.jpg");
        assertThat(entries)
                .as("what the URL showed before is withdrawn")
                .contains(
                        BulkEntry.delete(LAYOUT.imageIndex(FINGERPRINT), id, 42),
                        BulkEntry.delete(LAYOUT.thumbnailIndex(), id, 42))
                .hasSize(3);
        JsonNode json = json(entries.getFirst());
        assertThat(json.path("stage").asText()).isEqualTo("DECODE");
        assertThat(json.path("reason").asText()).isEqualTo("CORRUPT");
        assertThat(json.path("detail").asText()).isEqualTo("no image data");
    }

    @Test
    void aFaultThatMayPassKeepsWhatWasIndexed() {
        var target = fetched("a").target();
        assertThat(List.of(Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.NOT_FOUND, Reason.RATE_LIMITED))
                .allSatisfy(reason -> assertThat(ImageEntries.of(
                                new Rejection(target, Stage.FETCH, reason, "later", 42), LAYOUT, LAYOUT.writeAlias()))
                        .extracting(BulkEntry::op)
                        .containsExactly(BulkEntry.Op.INDEX));
        assertThat(List.of(Reason.GONE, Reason.ROBOTS_DENIED, Reason.TOO_LARGE))
                .allSatisfy(reason -> assertThat(ImageEntries.of(
                                new Rejection(target, Stage.FETCH, reason, "final", 42), LAYOUT, LAYOUT.writeAlias()))
                        .extracting(BulkEntry::op)
                        .containsExactly(BulkEntry.Op.INDEX, BulkEntry.Op.DELETE, BulkEntry.Op.DELETE));
    }

    @Test
    void aVectorThatIsNoUnitVectorIsNotWritten() throws Exception {
        for (float[] bad : List.of(new float[4], new float[] {Float.NaN, 0, 0, 0}, new float[] {2, 0, 0, 0})) {
            List<BulkEntry> entries = entries(fetched("a"), bad);
            assertThat(entries)
                    .filteredOn(entry -> entry.op() == BulkEntry.Op.INDEX)
                    .extracting(BulkEntry::index)
                    .containsExactly(LAYOUT.rejectionIndex());
            assertThat(json(entries.getFirst()).path("reason").asText()).isEqualTo("BAD_EMBEDDING");
        }
    }

    @Test
    void aRefusedDocumentBecomesARejectionWithoutItsVector() throws Exception {
        byte[] image = bytes(entries(fetched("a"), UNIT).getFirst());
        JsonNode rejection = new ObjectMapper().readTree(DocumentJson.refused(image, "400 bad"));
        var names = new ArrayList<String>();
        rejection.fieldNames().forEachRemaining(names::add);
        assertThat(names)
                .contains("id", "url", "title", "stage", "reason", "detail")
                .doesNotContain("embedding", "sha256");
        assertThat(rejection.path("reason").asText()).isEqualTo("REFUSED_BY_INDEX");
    }

    @Test
    void longTextsAreCutAndBrokenOnesRepaired() throws Exception {
        String title = "x".repeat(DocumentJson.LONGEST_TEXT - 1) + "\ud83d\ude00 and more";
        assertThat(json(entries(fetched(title), UNIT).getFirst()).path("title").asText())
                .isEqualTo("x".repeat(DocumentJson.LONGEST_TEXT - 1));
        assertThat(json(entries(fetched("lone \ud83d half"), UNIT).getFirst())
                        .path("title")
                        .asText())
                .isEqualTo("lone ? half");
    }

    @Test
    void wordsAreSearchedAsAWholeAndShownLineByLine() throws Exception {
        FetchedImage read = fetched("a")
                .withWords(List.of(
                        new TextRegion("Bike 🚲 shop", 0.98765f, 10, 20, 300, 40),
                        new TextRegion("open", 0.75f, 10, 70, 90, 30)));
        JsonNode image = json(entries(read, UNIT).getFirst());
        assertThat(image.path("ocr").asText()).isEqualTo("Bike 🚲 shop\nopen");
        assertThat(image.path("regions").toString())
                .isEqualTo("[{\"label\":\"text\",\"box\":[10,20,300,40],\"score\":0.988,\"text\":\"Bike 🚲 shop\"},"
                        + "{\"label\":\"text\",\"box\":[10,70,90,30],\"score\":0.75,\"text\":\"open\"}]");
        JsonNode plain = json(entries(fetched("a"), UNIT).getFirst());
        assertThat(plain.has("ocr") || plain.has("regions")).isFalse();
    }

    private static List<BulkEntry> entries(FetchedImage image, float[] embedding) {
        EmbeddedImage row =
                EmbeddedImage.embedded(image, "image/jpeg", 4, 3, 1, embedding, new byte[] {1, 2, 3}, FEATURES);
        return ImageEntries.of(row, LAYOUT, FINGERPRINT, PixelRules.NONE, NOW);
    }

    private static FetchedImage fetched(@Nullable String title) {
        var target = new CrawlTarget(
                "http://e.test/a.jpg",
                "e.test",
                "http://e.test/",
                null,
                title,
                null,
                null,
                null,
                null,
                CrawlTarget.UNKNOWN_TIME,
                40,
                "page");
        return new FetchedImage(target, new byte[0], "0".repeat(64), 42);
    }

    private static byte[] bytes(BulkEntry entry) {
        byte[] json = entry.json();
        assertThat(json).isNotNull();
        return json == null ? new byte[0] : json;
    }

    private static JsonNode json(BulkEntry entry) throws Exception {
        return new ObjectMapper().readTree(bytes(entry));
    }
}
