package lenstream.gpu.ocr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.Color;
import java.awt.Font;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import lenstream.core.image.TextRegion;
import lenstream.core.model.OcrBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Words of rendered pictures and of photographs, read by the networks that {@code ./lenstream add ocr} fetches. */
class TextReaderTest {
    private static final OcrBundle BUNDLE = OcrBundle.load(Path.of("target/ocr"));
    private static final String POSTER = "Grand Opening Sale\nFresh Coffee 4.50\nPlatform 7 to Zurich";
    private static final Color NAVY = new Color(20, 40, 90);
    private static final Color CREAM = new Color(250, 240, 215);

    private static TextReader reader;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // freed in close()
    static void open() {
        reader = TextReader.open(BUNDLE, OcrLimits.defaults(), 1);
    }

    @AfterAll
    static void close() {
        reader.close();
    }

    /** 1.2 % of the characters when it was written; fonts differ from machine to machine. */
    @Test
    void readsFontsSizesDirectionsAndLightOnDark() {
        List<RenderedText> pictures = List.of(
                RenderedText.of(POSTER, Font.SANS_SERIF, Font.PLAIN, 16, Color.BLACK, Color.WHITE, 0),
                RenderedText.of(POSTER, Font.SERIF, Font.ITALIC, 24, NAVY, CREAM, 0),
                RenderedText.of(POSTER, Font.MONOSPACED, Font.PLAIN, 20, Color.WHITE, NAVY, 0),
                RenderedText.of(POSTER, Font.SANS_SERIF, Font.BOLD, 32, Color.YELLOW, Color.BLACK, 180),
                RenderedText.of(POSTER, Font.SERIF, Font.PLAIN, 24, Color.BLACK, Color.LIGHT_GRAY, 90),
                RenderedText.of(POSTER, Font.SANS_SERIF, Font.PLAIN, 20, CREAM, NAVY, 270));
        int wrong = 0;
        for (RenderedText picture : pictures) {
            wrong += distance(text(read(picture)), POSTER);
        }
        double errorRate = (double) wrong / (pictures.size() * POSTER.length());
        assertThat(errorRate).isLessThan(0.04);
    }

    @Test
    void saysWhereALineStands() {
        var picture = new BufferedImage(640, 360, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = picture.createGraphics();
        graphics.setPaint(new GradientPaint(0, 0, Color.WHITE, 640, 360, CREAM));
        graphics.fillRect(0, 0, 640, 360);
        graphics.setColor(Color.BLACK);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 40));
        int width = graphics.getFontMetrics().stringWidth("Harbour");
        graphics.drawString("Harbour", 300, 200);
        graphics.dispose();

        List<TextRegion> words = read(RenderedText.of(picture)).words();
        assertThat(words).extracting(TextRegion::text).containsExactly("Harbour");
        TextRegion word = words.getFirst();
        assertThat(word.x()).isCloseTo(300, within(15));
        assertThat(word.width()).isCloseTo(width, within(30));
        assertThat(word.y()).isBetween(145, 170); // a capital is some 30 pixels high and stands on 200
        assertThat(word.y() + word.height()).isBetween(198, 220);
        assertThat(word.confidence()).isGreaterThan(0.9f);
    }

    /** Lines are looked for in a smaller copy, boxes are those of the picture. */
    @Test
    void aLargePictureHasItsOwnBoxes() {
        var picture = new BufferedImage(3_000, 1_000, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = picture.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, 3_000, 1_000);
        graphics.setColor(Color.BLACK);
        graphics.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 120));
        graphics.drawString("Lighthouse", 2_000, 800);
        graphics.dispose();
        List<TextRegion> words = read(RenderedText.of(picture)).words();
        assertThat(words).extracting(TextRegion::text).containsExactly("Lighthouse");
        assertThat(words.getFirst().x()).isCloseTo(2_000, within(60));
        assertThat(words.getFirst().x() + words.getFirst().width()).isLessThanOrEqualTo(3_000);
    }

    @Test
    void whatHasNoWordsGivesNone() {
        assertThat(read(new RenderedText(new byte[3 * 320 * 240], 320, 240)).words())
                .isEmpty();
        for (int[] size : new int[][] {{1, 1}, {1_500, 2}, {2, 1_500}, {7, 5}}) {
            var plain = new RenderedText(new byte[3 * size[0] * size[1]], size[0], size[1]);
            assertThat(read(plain)).isEqualTo(new Reading(List.of(), true));
        }
    }

    @Test
    void limitsCutShortAndSaySo() {
        RenderedText picture = RenderedText.of(POSTER, Font.SANS_SERIF, Font.PLAIN, 24, Color.BLACK, Color.WHITE, 0);
        Duration time = OcrLimits.defaults().maxTime();
        try (TextReader lines = TextReader.open(BUNDLE, new OcrLimits(960, 2, 4_000, 0.6, time), 1);
                TextReader characters = TextReader.open(BUNDLE, new OcrLimits(960, 100, 40, 0.6, time), 1);
                TextReader hurried =
                        TextReader.open(BUNDLE, new OcrLimits(960, 100, 4_000, 0.6, Duration.ofNanos(1)), 1)) {
            assertThat(lines.read(picture.rgb(), picture.width(), picture.height()))
                    .satisfies(reading -> assertThat(reading.words()).hasSize(2))
                    .satisfies(reading -> assertThat(reading.complete()).isFalse());
            assertThat(characters.read(picture.rgb(), picture.width(), picture.height()))
                    .satisfies(reading -> assertThat(text(reading)).isEqualTo("Grand Opening Sale\nFresh Coffee 4.50"))
                    .satisfies(reading -> assertThat(reading.complete()).isFalse());
            assertThat(hurried.read(picture.rgb(), picture.width(), picture.height()))
                    .isEqualTo(new Reading(List.of(), false));
        }
        assertThat(read(picture).complete()).isTrue();
    }

    /** The same lines as PP-OCR's own pipeline in Python finds in photographs; see {@code golden/make_ocr.py}. */
    @Test
    void readsPhotographsAsTheReferenceDoes() throws IOException {
        JsonNode golden;
        try (var in = TextReaderTest.class.getResourceAsStream("/golden/ocr.json")) {
            golden = new ObjectMapper().readTree(in);
        }
        var decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
        for (JsonNode picture : golden.path("pictures")) {
            Path file =
                    Path.of("../gallery/images").resolve(picture.path("file").asText());
            byte[] bytes = Files.readAllBytes(file);
            var decoded = (Decoded.Image) decoder.decode(
                    ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
            try (Pixels pixels = decoded.pixels()) {
                List<TextRegion> words = reader.read(pixels).words();
                assertThat(words)
                        .as(file.toString())
                        .extracting(TextRegion::text)
                        .containsExactlyElementsOf(picture.path("lines").findValuesAsText("text"));
                for (int i = 0; i < words.size(); i++) {
                    JsonNode box = picture.path("lines").path(i).path("box");
                    TextRegion word = words.get(i);
                    assertThat(word.x()).isCloseTo(box.path(0).asInt(), within(8));
                    assertThat(word.y()).isCloseTo(box.path(1).asInt(), within(8));
                    assertThat(word.width()).isCloseTo(box.path(2).asInt(), within(8));
                    assertThat(word.height()).isCloseTo(box.path(3).asInt(), within(8));
                }
            }
        }
    }

    @Test
    @SuppressWarnings("MustBeClosed") // freed twice, to see that once is enough
    void aClosedReaderSaysSo() {
        TextReader closed = TextReader.open(BUNDLE, OcrLimits.defaults(), 1);
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.read(new byte[3], 1, 1)).isInstanceOf(IllegalStateException.class);
    }

    private static Reading read(RenderedText picture) {
        return reader.read(picture.rgb(), picture.width(), picture.height());
    }

    private static String text(Reading reading) {
        return reading.words().stream().map(TextRegion::text).collect(Collectors.joining("\n"));
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
