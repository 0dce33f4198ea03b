package lenstream.connector.duplicates;

import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;

/**
 * What finding the copies of one image needs of it. Crosses Flink edges as a POJO; immutable.
 *
 * @param id of the image's document
 * @param content first 32 hex digits of the SHA-256 of its bytes: images of equal bytes are one content
 * @param version of the observation, epoch ms
 * @param hashed whether it has a perceptual hash; without one only equal bytes make it a copy
 * @param hash the perceptual hash; 0 without one
 * @param vector the embedding, scaled so that its largest value is 127, and rounded: cosines stay right to 0.01; never
 *     written after construction
 * @param pixels width times height
 * @param page {@link PageSketch#hash} of the page it was found on; {@link PageSketch#NONE} if there is none
 * @param discoveredAtMillis epoch ms
 */
public record Sketch(
        String id,
        String content,
        long version,
        boolean hashed,
        long hash,
        byte[] vector,
        long pixels,
        long page,
        long discoveredAtMillis) {

    /** The sketch of an embedded image; not for rejected ones. */
    public static Sketch of(EmbeddedImage image) {
        float[] embedding = image.embedding();
        PixelFeatures features = image.features();
        if (embedding == null || features == null) {
            throw new IllegalArgumentException("rejected: " + image.target().url());
        }
        Long hash = features.perceptualHash();
        return new Sketch(
                image.target().id(),
                ImageId.contentOf(image.sha256()),
                image.version(),
                hash != null,
                hash == null ? 0 : hash,
                quantised(embedding),
                (long) image.width() * image.height(),
                PageSketch.hash(image.target().pageUrl()),
                image.target().discoveredAtMillis());
    }

    static byte[] quantised(float[] vector) {
        float most = 0;
        for (float value : vector) {
            most = Math.max(most, Math.abs(value));
        }
        var bytes = new byte[vector.length];
        for (int i = 0; i < vector.length; i++) {
            bytes[i] = (byte) Math.round(vector[i] / most * 127);
        }
        return bytes;
    }

    static double cosine(byte[] a, byte[] b) {
        long dot = 0;
        long squaresA = 0;
        long squaresB = 0;
        for (int i = 0; i < a.length; i++) {
            dot += a[i] * b[i];
            squaresA += a[i] * a[i];
            squaresB += b[i] * b[i];
        }
        return dot / Math.sqrt((double) squaresA * squaresB);
    }
}
