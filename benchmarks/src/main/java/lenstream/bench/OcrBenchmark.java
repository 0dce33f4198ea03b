package lenstream.bench;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.TextRegion;
import lenstream.core.model.OcrBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.ocr.OcrLimits;
import lenstream.gpu.ocr.TextReader;

/**
 * What reading words costs, and how well it reads: the gallery's photographs, few of which hold words, and posters of known
 * words in three fonts, three sizes, four directions, dark on light and light on dark. One thread; decoding is not counted. The error rate is
 * Levenshtein's distance by the length of what stands there.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.OcrBenchmark -Dargs="infra/extras/target/models/ocr 960 640"}, after
 * {@code ./lenstream add ocr}: folder of the model, longest sides at which lines are looked for.
 */
public final class OcrBenchmark {
    private static final String POSTER =
            "Grand Opening Sale\nFresh Coffee 4.50\nOpen daily 9 to 18\nPlatform 7 to Zurich";
    private static final List<String> FONTS = List.of(Font.SANS_SERIF, Font.SERIF, Font.MONOSPACED);
    private static final List<Integer> SIZES = List.of(14, 20, 36);
    private static final Color NAVY = new Color(20, 40, 90);

    private OcrBenchmark() {}

    /** A picture, and the words that stand in it; empty for a photograph. */
    private record Sample(byte[] encoded, String words) {}

    public static void main(String[] args) throws IOException {
        OcrBundle bundle = OcrBundle.load(Samples.ROOT.resolve(args[0]));
        List<Integer> sides = Arrays.stream(args).skip(1).map(Integer::valueOf).toList();
        List<Sample> photographs = Gallery.images().stream()
                .map(FetchedImage::bytes)
                .map(bytes -> new Sample(bytes, ""))
                .toList();
        List<Sample> posters = posters();
        System.out.println(
                "| pictures | longest side | pictures | with words | ms a picture: mean | p50 | p99 | CER |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        for (int side : sides) {
            try (TextReader reader =
                    TextReader.open(bundle, OcrLimits.defaults().withMaxSide(side), 1)) {
                measure("warming", posters.subList(0, 12), side, reader);
                measure("photographs", photographs, side, reader);
                measure("posters", posters, side, reader);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%s %s; load average %.1f%n",
                bundle.model().name(),
                bundle.model().version(),
                java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                        .getSystemLoadAverage());
    }

    private static void measure(String name, List<Sample> samples, int side, TextReader reader) {
        var decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
        var millis = new ArrayList<Double>();
        int withWords = 0;
        int wrong = 0;
        int characters = 0;
        for (Sample sample : samples) {
            ByteBuffer direct = ByteBuffer.allocateDirect(sample.encoded.length)
                    .put(sample.encoded)
                    .flip();
            if (decoder.decode(direct) instanceof Decoded.Image image) {
                try (Pixels pixels = image.pixels()) {
                    long start = System.nanoTime();
                    List<TextRegion> words = reader.read(pixels).words();
                    millis.add((System.nanoTime() - start) / 1e6);
                    withWords += words.isEmpty() ? 0 : 1;
                    characters += sample.words.length();
                    wrong += sample.words.isEmpty()
                            ? 0
                            : distance(
                                    words.stream().map(TextRegion::text).collect(Collectors.joining("\n")),
                                    sample.words);
                }
            }
        }
        millis.sort(null);
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %d | %d | %.1f | %.1f | %.1f | %s |%n",
                name,
                side,
                millis.size(),
                withWords,
                millis.stream().mapToDouble(Double::doubleValue).average().orElse(0),
                millis.get(millis.size() / 2),
                millis.get(millis.size() * 99 / 100),
                characters == 0 ? "" : String.format(Locale.ROOT, "%.2f %%", 100.0 * wrong / characters));
    }

    private static List<Sample> posters() throws IOException {
        var samples = new ArrayList<Sample>();
        for (String font : FONTS) {
            for (int size : SIZES) {
                for (int quarters = 0; quarters < 4; quarters++) {
                    samples.add(new Sample(png(font, size, Color.BLACK, Color.WHITE, quarters), POSTER));
                    samples.add(new Sample(png(font, size, Color.WHITE, NAVY, quarters), POSTER));
                }
            }
        }
        return samples;
    }

    private static byte[] png(String font, int size, Color ink, Color paper, int quarters) throws IOException {
        String[] lines = POSTER.split("\n");
        var picture = new BufferedImage(14 * size, lines.length * size * 2, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = picture.createGraphics();
        graphics.setColor(paper);
        graphics.fillRect(0, 0, picture.getWidth(), picture.getHeight());
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(ink);
        graphics.setFont(new Font(font, Font.PLAIN, size));
        for (int i = 0; i < lines.length; i++) {
            graphics.drawString(lines[i], size, (int) (size * (1.5 + 1.7 * i)));
        }
        graphics.dispose();
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(turned(picture, quarters), "png", bytes);
        return bytes.toByteArray();
    }

    private static BufferedImage turned(BufferedImage picture, int quarters) {
        boolean upright = quarters % 2 == 0;
        int width = upright ? picture.getWidth() : picture.getHeight();
        int height = upright ? picture.getHeight() : picture.getWidth();
        var out = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        var turn = AffineTransform.getTranslateInstance(width / 2.0, height / 2.0);
        turn.quadrantRotate(quarters);
        turn.translate(-picture.getWidth() / 2.0, -picture.getHeight() / 2.0);
        Graphics2D graphics = out.createGraphics();
        graphics.drawImage(picture, turn, null);
        graphics.dispose();
        return out;
    }

    private static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        Arrays.setAll(row, j -> j);
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
