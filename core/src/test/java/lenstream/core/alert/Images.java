package lenstream.core.alert;

import java.util.List;
import java.util.SplittableRandom;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;

/** Images and vectors for tests. */
final class Images {
    static final long PUBLISHED = 1_700_000_000_000L;
    static final long OBSERVED = 1_700_000_100_000L;

    private Images() {}

    static EmbeddedImage image(String url, float[] embedding) {
        byte[] bytes = url.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        var target = new CrawlTarget(
                url, "a.test", "https://a.test/", null, null, null, null, null, "CC0", PUBLISHED, PUBLISHED, "push");
        return EmbeddedImage.embedded(
                new FetchedImage(target, bytes, ImageId.sha256(bytes), OBSERVED),
                "image/png",
                640,
                480,
                1,
                embedding,
                null,
                new PixelFeatures(null, List.of("red", "white"), "#ff0000"));
    }

    static float[] unit(int dim, SplittableRandom random) {
        var vector = new float[dim];
        double square = 0;
        for (int i = 0; i < dim; i++) {
            vector[i] = (float) (random.nextDouble() - 0.5);
            square += (double) vector[i] * vector[i];
        }
        for (int i = 0; i < dim; i++) {
            vector[i] /= (float) Math.sqrt(square);
        }
        return vector;
    }
}
