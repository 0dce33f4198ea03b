package lenstream.connector.duplicates;

import java.awt.AlphaComposite;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.RescaleOp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import org.jspecify.annotations.Nullable;

/**
 * How well near-duplicates are found: every photograph of the gallery and edits of it go through the real pipeline, the
 * bands and the groups. Recall is the share of edits whose group is their original's; precision the share of pairs within
 * groups that are edits of one photograph. The photographs themselves, many of one subject, are the look-alikes. Every
 * other photograph chooses the setting, the rest tell how good it is. The rate is that of bands and groups on one thread
 * with state on the heap.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.connector.duplicates.DuplicateBenchmark}
 */
public final class DuplicateBenchmark {
    private static final Path ROOT = Path.of(System.getProperty("lenstream.root", ".."));
    private static final int BATCH = 64;
    /** Of pairs in groups; a wrong one hides an image behind another. */
    private static final double PRECISION = 0.999;

    private record Image(String original, String edit, Sketch sketch) {}

    private DuplicateBenchmark() {}

    public static void main(String[] args) throws IOException {
        List<Image> images = embedded();
        List<String> photographs =
                images.stream().map(Image::original).distinct().toList();
        var choosing = new HashSet<String>();
        for (int i = 0; i < photographs.size(); i += 2) {
            choosing.add(photographs.get(i));
        }
        List<Image> chosenBy = images.stream()
                .filter(image -> choosing.contains(image.original()))
                .toList();
        List<Image> heldOut = images.stream()
                .filter(image -> !choosing.contains(image.original()))
                .toList();
        System.out.println("choosing, " + choosing.size() + " photographs");
        System.out.println(Result.HEAD);
        Result best = null;
        for (int distance : new int[] {6, 8, 10, 12}) {
            for (double cosine : new double[] {0.50, 0.60, 0.70, 0.80, 0.85, 0.90, 0.95}) {
                Result result = measure(chosenBy, distance, cosine);
                System.out.println(result);
                boolean isBetter = best == null
                        || result.recall() > best.recall()
                        || (result.recall() == best.recall() && result.precision() > best.precision());
                if (result.precision() >= PRECISION && isBetter) {
                    best = result;
                }
            }
        }
        lookAlikes(images);
        DuplicateConfig now = DuplicateConfig.defaults();
        System.out.println("held out, " + (photographs.size() - choosing.size())
                + " photographs: the defaults, what was chosen for a precision of " + PRECISION);
        System.out.println(Result.HEAD);
        System.out.println(measure(heldOut, now.distance(), now.cosine()));
        if (best != null) {
            System.out.println(measure(heldOut, best.distance(), best.cosine()));
        }
    }

    /**
     * How often two photographs that are no copies look like some by each measure alone: in a large collection an image
     * meets that share of all others by chance. Also how far the mirrored hash is from that of the mirror image.
     */
    private static void lookAlikes(List<Image> images) {
        List<Sketch> originals = images.stream()
                .filter(image -> image.edit().isEmpty() && image.sketch().hashed())
                .map(Image::sketch)
                .toList();
        var near = new long[17];
        var alike = new long[101];
        long pairs = 0;
        for (int i = 0; i < originals.size(); i++) {
            for (int j = 0; j < i; j++) {
                Sketch one = originals.get(i);
                Sketch other = originals.get(j);
                int distance = Math.min(
                        Long.bitCount(one.hash() ^ other.hash()),
                        Long.bitCount(PixelFeatures.mirrored(one.hash()) ^ other.hash()));
                for (int d = distance; d < near.length; d++) {
                    near[d]++;
                }
                int hundredths = (int) (100 * Sketch.cosine(one.vector(), other.vector()));
                for (int c = 0; c <= hundredths; c++) {
                    alike[c]++;
                }
                pairs++;
            }
        }
        System.out.printf(Locale.ROOT, "%d pairs of photographs; within distance", pairs);
        for (int d = 6; d < near.length; d += 2) {
            System.out.printf(Locale.ROOT, " %d: %.6f", d, near[d] / (double) pairs);
        }
        System.out.print("; of a cosine of at least");
        for (int c : new int[] {50, 60, 70, 75, 80, 85, 90, 95}) {
            System.out.printf(Locale.ROOT, " 0.%d: %.6f", c, alike[c] / (double) pairs);
        }
        System.out.println();
        var distances = new int[65];
        var hashes = new HashMap<String, Long>();
        images.stream()
                .filter(image -> image.edit().isEmpty() && image.sketch().hashed())
                .forEach(image -> hashes.put(image.original(), image.sketch().hash()));
        for (Image image : images) {
            Long hash = hashes.get(image.original());
            if (hash != null && image.edit().equals("flip") && image.sketch().hashed()) {
                distances[
                        Long.bitCount(
                                PixelFeatures.mirrored(hash) ^ image.sketch().hash())]++;
            }
        }
        System.out.println("mirror images at each distance of the mirrored hash: " + Arrays.toString(distances));
    }

    /**
     * What a setting came to.
     *
     * @param pairs of images in one group
     * @param precision share of the pairs that are of one photograph; 1 if there is none
     * @param recall share of the edits that are in their original's group
     * @param byEdit the same of each kind of edit
     * @param rate images a second through bands and groups
     */
    private record Result(
            int distance,
            double cosine,
            long pairs,
            double precision,
            double recall,
            Map<String, Double> byEdit,
            double rate) {
        static final String HEAD = "| distance | cosine | pairs in groups | precision | recall | by edit | images/s |\n"
                + "|---|---|---|---|---|---|---|";

        @Override
        public String toString() {
            String detail = byEdit.entrySet().stream()
                    .map(edit -> String.format(Locale.ROOT, "%s %.2f", edit.getKey(), edit.getValue()))
                    .collect(Collectors.joining(", "));
            return String.format(
                    Locale.ROOT,
                    "| %d | %.2f | %d | %.4f | %.4f | %s | %.0f |",
                    distance,
                    cosine,
                    pairs,
                    precision,
                    recall,
                    detail,
                    rate);
        }
    }

    private static Result measure(List<Image> images, int distance, double cosine) {
        var config = new DuplicateConfig(distance, cosine, Duration.ofDays(1));
        var bands = new ArrayList<BandIndex>();
        for (int band = 0; band < BandIndex.BANDS; band++) {
            bands.add(new BandIndex(config, table(), table()));
        }
        var groups = new Groups(table(), table(), table(), table());
        var groupOf = new HashMap<String, String>();
        long start = System.nanoTime();
        for (Image image : images) {
            Sketch sketch = image.sketch();
            groups.apply(GroupEvent.observed(sketch));
            for (int band = 0; sketch.hashed() && band < BandIndex.BANDS; band++) {
                var probe = new Probe(band, sketch.content(), sketch.hash(), sketch.vector());
                bands.get(band)
                        .matchAndFile(probe)
                        .forEach(other -> groups.apply(GroupEvent.alike(other, sketch.content())));
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        images.forEach(image -> groupOf.put(image.sketch().id(), image.sketch().content()));
        groups.takeChanges().assignments().forEach(change -> groupOf.put(change.id(), change.group()));

        var originals = new HashMap<String, String>();
        images.stream()
                .filter(image -> image.edit().isEmpty())
                .forEach(image -> originals.put(
                        image.original(), groupOf.getOrDefault(image.sketch().id(), "")));
        var byEdit = new LinkedHashMap<String, int[]>();
        var members = new HashMap<String, Map<String, Integer>>();
        for (Image image : images) {
            String group = groupOf.getOrDefault(image.sketch().id(), "");
            members.computeIfAbsent(group, key -> new HashMap<>()).merge(image.original(), 1, Integer::sum);
            if (!image.edit().isEmpty()) {
                int[] counts = byEdit.computeIfAbsent(image.edit(), key -> new int[2]);
                counts[0] += group.equals(originals.get(image.original())) ? 1 : 0;
                counts[1]++;
            }
        }
        long pairs = 0;
        long right = 0;
        for (Map<String, Integer> group : members.values()) {
            long size = group.values().stream().mapToLong(Integer::longValue).sum();
            pairs += size * (size - 1) / 2;
            right += group.values().stream().mapToLong(n -> n * (n - 1L) / 2).sum();
        }
        int found = byEdit.values().stream().mapToInt(counts -> counts[0]).sum();
        int all = byEdit.values().stream().mapToInt(counts -> counts[1]).sum();
        var shares = new LinkedHashMap<String, Double>();
        byEdit.forEach((edit, counts) -> shares.put(edit, counts[0] / (double) counts[1]));
        return new Result(
                distance,
                cosine,
                pairs,
                pairs == 0 ? 1 : right / (double) pairs,
                found / (double) all,
                shares,
                images.size() / seconds);
    }

    private static List<Image> embedded() throws IOException {
        List<String> lines = Files.readAllLines(ROOT.resolve("gallery/manifest.tsv"));
        var out = new ArrayList<Image>();
        try (EmbeddingPipeline pipeline =
                EmbeddingPipeline.open(PipelineConfig.defaults(ROOT.resolve("models/lensmini")))) {
            var waiting = new ArrayList<FetchedImage>();
            for (String line : lines.subList(1, lines.size())) {
                String file = line.split("\t")[0];
                byte[] bytes = Files.readAllBytes(ROOT.resolve("gallery").resolve(file));
                BufferedImage read = ImageIO.read(new ByteArrayInputStream(bytes));
                if (read == null) {
                    continue; // a format that the JDK cannot read, so that nothing can be edited
                }
                BufferedImage picture = rgb(read);
                waiting.add(fetched(file, "", bytes));
                edits().forEach((name, edit) -> waiting.add(fetched(file, name, encoded(edit.apply(picture), 0.9f))));
                waiting.add(fetched(file, "jpeg50", encoded(picture, 0.5f)));
                waiting.add(fetched(file, "jpeg20", encoded(picture, 0.2f)));
                waiting.add(fetched(file, "png", encoded(picture, "png")));
                waiting.add(fetched(file, "gif", encoded(picture, "gif")));
                if (waiting.size() >= BATCH) {
                    add(pipeline, waiting, out);
                }
            }
            add(pipeline, waiting, out);
        }
        return out;
    }

    private static void add(EmbeddingPipeline pipeline, List<FetchedImage> waiting, List<Image> out) {
        for (EmbeddedImage row : pipeline.embed(List.copyOf(waiting))) {
            if (!row.rejected()) {
                String[] parts = row.target().url().split("#", 2);
                out.add(new Image(parts[0], parts[1], Sketch.of(row)));
            }
        }
        waiting.clear();
    }

    private static FetchedImage fetched(String file, String edit, byte[] bytes) {
        var target = new CrawlTarget(
                file + "#" + edit, "h", "s", null, null, null, null, null, null, CrawlTarget.UNKNOWN_TIME, 1, "page");
        return new FetchedImage(target, bytes, ImageId.sha256(bytes), 1);
    }

    private static Map<String, UnaryOperator<BufferedImage>> edits() {
        var edits = new LinkedHashMap<String, UnaryOperator<BufferedImage>>();
        edits.put("half", picture -> scaled(picture, 0.5));
        edits.put("crop5", picture -> {
            int x = (int) (picture.getWidth() * 0.025);
            int y = (int) (picture.getHeight() * 0.025);
            return rgb(picture.getSubimage(x, y, picture.getWidth() - 2 * x, picture.getHeight() - 2 * y));
        });
        edits.put("crop10", picture -> {
            int x = (int) (picture.getWidth() * 0.05);
            int y = (int) (picture.getHeight() * 0.05);
            return rgb(picture.getSubimage(x, y, picture.getWidth() - 2 * x, picture.getHeight() - 2 * y));
        });
        edits.put("side5", picture -> {
            int x = (int) (picture.getWidth() * 0.05);
            return rgb(picture.getSubimage(x, 0, picture.getWidth() - x, picture.getHeight()));
        });
        edits.put("flip", picture -> {
            BufferedImage out = rgb(picture);
            Graphics2D pen = out.createGraphics();
            pen.drawImage(picture, picture.getWidth(), 0, -picture.getWidth(), picture.getHeight(), null);
            pen.dispose();
            return out;
        });
        edits.put("border3", picture -> {
            int edge = (int) Math.ceil(0.03 * Math.max(picture.getWidth(), picture.getHeight()));
            var out = new BufferedImage(
                    picture.getWidth() + 2 * edge, picture.getHeight() + 2 * edge, BufferedImage.TYPE_INT_RGB);
            Graphics2D pen = out.createGraphics();
            pen.setColor(Color.WHITE);
            pen.fillRect(0, 0, out.getWidth(), out.getHeight());
            pen.drawImage(picture, edge, edge, null);
            pen.dispose();
            return out;
        });
        edits.put("watermark", picture -> {
            BufferedImage out = rgb(picture);
            Graphics2D pen = out.createGraphics();
            pen.setComposite(AlphaComposite.getInstance(AlphaComposite.SRC_OVER, 0.8f));
            pen.setColor(Color.WHITE);
            pen.setFont(new Font(Font.SANS_SERIF, Font.BOLD, Math.max(10, out.getHeight() / 14)));
            pen.drawString("example.org", (int) (out.getWidth() * 0.5), (int) (out.getHeight() * 0.92));
            pen.dispose();
            return out;
        });
        edits.put("banner", picture -> {
            BufferedImage out = rgb(picture);
            Graphics2D pen = out.createGraphics();
            pen.setColor(Color.BLACK);
            pen.fillRect(0, (int) (out.getHeight() * 0.88), out.getWidth(), out.getHeight());
            pen.setColor(Color.YELLOW);
            pen.setFont(new Font(Font.SANS_SERIF, Font.BOLD, Math.max(10, out.getHeight() / 16)));
            pen.drawString(
                    "A CAPTION ACROSS THE PICTURE", (int) (out.getWidth() * 0.03), (int) (out.getHeight() * 0.97));
            pen.dispose();
            return out;
        });
        edits.put(
                "warm",
                picture -> new RescaleOp(new float[] {1.15f, 1, 0.8f}, new float[3], null).filter(picture, null));
        edits.put("gray", picture -> {
            var gray = new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_BYTE_GRAY);
            gray.createGraphics().drawImage(picture, 0, 0, null);
            return rgb(gray);
        });
        edits.put("bright", picture -> new RescaleOp(1.2f, 0, null).filter(picture, null));
        return edits;
    }

    private static BufferedImage scaled(BufferedImage picture, double by) {
        int width = Math.max(1, (int) (picture.getWidth() * by));
        int height = Math.max(1, (int) (picture.getHeight() * by));
        var out = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D pen = out.createGraphics();
        pen.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        pen.drawImage(picture, 0, 0, width, height, null);
        pen.dispose();
        return out;
    }

    private static BufferedImage rgb(BufferedImage picture) {
        var out = new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_RGB);
        Graphics2D pen = out.createGraphics();
        pen.setColor(Color.WHITE);
        pen.fillRect(0, 0, out.getWidth(), out.getHeight());
        pen.drawImage(picture, 0, 0, null);
        pen.dispose();
        return out;
    }

    private static byte[] encoded(BufferedImage picture, String format) {
        var bytes = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(picture, format, bytes)) {
                throw new IllegalStateException("no writer of " + format);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // only memory is written
        }
        return bytes.toByteArray();
    }

    private static byte[] encoded(BufferedImage picture, float quality) {
        var bytes = new ByteArrayOutputStream();
        var writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        try (var out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            ImageWriteParam settings = writer.getDefaultWriteParam();
            settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            settings.setCompressionQuality(quality);
            writer.write(null, new IIOImage(picture, null, null), settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // only memory is written
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static <K> Table<K> table() {
        var map = new HashMap<K, byte[]>();
        return new Table<>() {
            @Override
            public byte @Nullable [] get(K key) {
                return map.get(key);
            }

            @Override
            public void put(K key, byte[] value) {
                map.put(key, value);
            }

            @Override
            public void remove(K key) {
                map.remove(key);
            }
        };
    }
}
