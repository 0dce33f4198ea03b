package lenstream.core.image;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of an {@link ArrowBatch}: either an embedded image or its rejection; {@link #rejected()} tells. Immutable.
 *
 * @param target what was asked for
 * @param sha256 of the encoded bytes
 * @param version observation time in epoch ms (see {@link FetchedImage#version()})
 * @param encodedBytes length of the encoded image
 * @param mime sniffed media type such as {@code image/jpeg}; null when rejected before it was known
 * @param width in pixels, after orientation; 0 when rejected
 * @param height in pixels, after orientation; 0 when rejected
 * @param frames number of frames, 1 for a still image; the first one is embedded
 * @param embedding unit length, {@code dim} values, never written after construction; null when rejected
 * @param thumbnail JPEG, longest side at most 256 pixels; null when rejected or when none are made
 * @param features what its pixels show at first sight; null when rejected or when no thumbnails are made
 * @param words that were read in the picture, in reading order; empty where none stand, nobody has read it, or rejected
 * @param stage where it was rejected; null when embedded
 * @param reason why it was rejected; null when embedded
 * @param detail why, for people; null when embedded
 */
public record EmbeddedImage(
        CrawlTarget target,
        String sha256,
        long version,
        int encodedBytes,
        @Nullable String mime,
        int width,
        int height,
        int frames,
        float @Nullable [] embedding,
        byte @Nullable [] thumbnail,
        @Nullable PixelFeatures features,
        List<TextRegion> words,
        @Nullable Stage stage,
        @Nullable Reason reason,
        @Nullable String detail) {

    public EmbeddedImage {
        if ((embedding == null) == (reason == null)) {
            throw new IllegalArgumentException("a row is embedded or rejected, not both: " + target.url());
        }
    }

    public static EmbeddedImage embedded(
            FetchedImage image,
            String mime,
            int width,
            int height,
            int frames,
            float[] embedding,
            byte @Nullable [] thumbnail,
            @Nullable PixelFeatures features) {
        return new EmbeddedImage(
                image.target(),
                image.sha256(),
                image.version(),
                image.bytes().length,
                mime,
                width,
                height,
                frames,
                embedding,
                thumbnail,
                features,
                image.words(),
                null,
                null,
                null);
    }

    public static EmbeddedImage rejected(
            FetchedImage image, @Nullable String mime, Stage stage, Reason reason, String detail) {
        return new EmbeddedImage(
                image.target(),
                image.sha256(),
                image.version(),
                image.bytes().length,
                mime,
                0,
                0,
                0,
                null,
                null,
                null,
                List.of(),
                stage,
                reason,
                detail);
    }

    public boolean rejected() {
        return reason != null;
    }

    /** This row as a rejection. Only for rejected rows. */
    public Rejection toRejection() {
        if (stage == null || reason == null || detail == null) {
            throw new IllegalStateException("not rejected: " + target.url());
        }
        return new Rejection(target, stage, reason, detail, version);
    }
}
