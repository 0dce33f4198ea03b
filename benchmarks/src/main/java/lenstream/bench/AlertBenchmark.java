package lenstream.bench;

import java.nio.FloatBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import lenstream.core.alert.AlertRule;
import lenstream.core.alert.AlertRules;
import lenstream.core.alert.ImageFilter;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/**
 * What alerts add to the cost of embedding on one core: a batch is embedded by the bundled encoder with one thread, alone and
 * followed by all that the job does for alerts (the batch is read, multiplied with every alert, candidates are compared
 * exactly and filtered), in turn within one run. Decoding and preprocessing are left out, which makes the share look
 * larger. Each image meets about ten alerts.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.AlertBenchmark}; arguments in {@code -Dargs}: alerts, then
 * rounds.
 */
public final class AlertBenchmark {
    private static final int[] BATCHES = {1, 8, 32};
    private static final int IMAGES_A_ROUND = 64;
    private static final int THUMBNAIL_BYTES = 8_192;
    private static final int MET = 10;
    private static final double THRESHOLD = 0.9;
    private static final String HOST = "images.example";

    private AlertBenchmark() {}

    public static void main(String[] args) {
        int alerts = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        ModelBundle bundle = ModelBundle.load(Samples.BUNDLE);
        String space = bundle.fingerprint().value();
        int dim = bundle.encoder().dim();
        int size = bundle.encoder().image().preprocessing().size();
        System.out.printf(
                Locale.ROOT,
                "%n%,d alerts of %d values, one thread%n"
                        + "| batch | embedding alone, images/s | with alerts, images/s | ratio | 80 %% of rounds |"
                        + " alerts alone, ms an image | of it reading the batch | matches an image |%n"
                        + "|---|---|---|---|---|---|---|---|%n",
                alerts,
                dim);
        try (var allocator = new RootAllocator();
                OnnxImageEmbedder embedder = OnnxImageEmbedder.open(bundle, 1)) {
            for (int rows : BATCHES) {
                var random = new SplittableRandom(1);
                List<float[]> vectors = new ArrayList<>();
                for (int i = 0; i < rows; i++) {
                    vectors.add(unit(dim, random));
                }
                ArrowBatch batch = batch(vectors, space, dim, allocator);
                AlertRules rules = rules(alerts, vectors, space, dim, random);
                try (HostTensor tensor = HostTensor.allocate(allocator, rows, size)) {
                    fill(tensor, rows);
                    Runnable compared = () -> match(rules, batch, allocator);
                    Alternation measured = Alternation.of(
                            () -> embedder.embed(tensor, rows),
                            () -> {
                                embedder.embed(tensor, rows);
                                compared.run();
                            },
                            rows,
                            Math.max(1, IMAGES_A_ROUND / rows),
                            3,
                            rounds);
                    System.out.printf(
                            Locale.ROOT,
                            "| %d | %s | %.3f | %.3f | %.1f |%n",
                            rows,
                            measured.cells(),
                            millis(compared, rows),
                            millis(() -> batch.read(allocator), rows),
                            (double) match(rules, batch, allocator) / rows);
                }
            }
        }
    }

    private static int match(AlertRules rules, ArrowBatch batch, BufferAllocator allocator) {
        ArrowBatch.Contents contents = batch.read(allocator);
        return rules.match(contents.fingerprint(), contents.rows(), image -> true, Instant.now())
                .size();
    }

    private static double millis(Runnable compared, int rows) {
        int calls = 10 * IMAGES_A_ROUND / rows;
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            compared.run();
        }
        return (System.nanoTime() - start) / 1e6 / calls / rows;
    }

    /** Ten alerts near each image, every second of which its filter keeps out; the others anywhere. */
    private static AlertRules rules(int alerts, List<float[]> images, String space, int dim, SplittableRandom random) {
        var rules = new AlertRules();
        ImageFilter other = ImageFilter.of(Map.of("host", List.of("other.example")));
        ImageFilter same = ImageFilter.of(Map.of("host", List.of(HOST), "min_width", List.of("100")));
        for (int i = 0; i < alerts; i++) {
            float[] vector =
                    i < 2 * MET * images.size() ? near(images.get(i % images.size()), random) : unit(dim, random);
            ImageFilter filter = (i / images.size()) % 2 == 0 ? same : other;
            rules.apply(
                    new AlertRule(ImageId.ofUrl("alert " + i), space, vector, THRESHOLD, filter).put("an alert", 1));
        }
        return rules;
    }

    private static ArrowBatch batch(List<float[]> vectors, String space, int dim, BufferAllocator allocator) {
        var rows = new ArrayList<EmbeddedImage>();
        for (int i = 0; i < vectors.size(); i++) {
            String url = "https://" + HOST + "/" + i + ".jpg";
            var target = new CrawlTarget(
                    url,
                    HOST,
                    "https://" + HOST + "/",
                    null,
                    "a title",
                    "an alternative text",
                    null,
                    null,
                    null,
                    1,
                    1,
                    CrawlTarget.PUSH);
            rows.add(EmbeddedImage.embedded(
                    new FetchedImage(target, new byte[1], ImageId.sha256(new byte[] {(byte) i}), 1),
                    "image/jpeg",
                    640,
                    480,
                    1,
                    vectors.get(i),
                    new byte[THUMBNAIL_BYTES],
                    null));
        }
        return ArrowBatch.of(rows, space, dim, allocator);
    }

    private static float[] unit(int dim, SplittableRandom random) {
        var vector = new float[dim];
        for (int i = 0; i < dim; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return normalised(vector);
    }

    private static float[] near(float[] image, SplittableRandom random) {
        float[] noise = unit(image.length, random);
        for (int i = 0; i < noise.length; i++) {
            noise[i] = image[i] + 0.2f * noise[i];
        }
        return normalised(noise);
    }

    private static float[] normalised(float[] vector) {
        double square = 0;
        for (float value : vector) {
            square += (double) value * value;
        }
        for (int i = 0; i < vector.length; i++) {
            vector[i] /= (float) Math.sqrt(square);
        }
        return vector;
    }

    private static void fill(HostTensor tensor, int rows) {
        FloatBuffer values = tensor.view(rows);
        for (int i = 0; i < values.capacity(); i++) {
            values.put(i, (float) Math.sin(i));
        }
    }
}
