package lenstream.search;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import lenstream.core.image.Reason;
import lenstream.core.index.IndexException;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import lenstream.gpu.embed.Embedding;
import lenstream.search.http.Deadline;
import lenstream.search.http.Metrics;
import lenstream.search.http.Place;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;

/**
 * Makes vectors of what people send, those of several requests at once where that pays ({@link Batcher}). Thread-safe; does
 * not own its parts.
 */
final class QueryEmbedding {
    private static final String ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8";

    /** Texts, and images, that wait for the encoder at the most: far more than are ever let in at once. */
    private static final int MAX_WAITING = 1_000;

    private final QueryEncoder encoder;
    private final TextCache cache;
    private final WebClient web;
    private final Batcher<String, float[]> texts;
    private final Batcher<QueryEncoder.Prepared, Embedding> images;

    QueryEmbedding(QueryEncoder encoder, TextCache cache, WebClient web, Metrics metrics) {
        this.encoder = encoder;
        this.cache = cache;
        this.web = web;
        this.texts = new Batcher<>("text", limits(encoder.texts()), encoder::embedTexts, metrics);
        this.images = new Batcher<>("image", limits(encoder.images()), encoder::embedImages, metrics);
    }

    private static Batcher.Limits limits(QueryEncoder.Batching batching) {
        return new Batcher.Limits(batching.most(), batching.lanes(), MAX_WAITING);
    }

    /** What has been done with texts; those that the cache knew not counted. */
    Batcher.Done textsDone() {
        return texts.done();
    }

    Batcher.Done imagesDone() {
        return images.done();
    }

    float[] ofText(String text) {
        return cache.get(text, texts::ask);
    }

    /** The vectors of texts, in their order. */
    List<float[]> ofTexts(List<String> several) {
        return cache.getAll(several, texts::ask);
    }

    float[] ofImage(byte[] encoded, @Nullable Region region) {
        if (encoded.length == 0) {
            throw ProblemException.badRequest(
                    "The image is empty: send the bytes of a JPEG, PNG, WebP, GIF or AVIF file.");
        }
        if (Deadline.current().leftNanos() < 0) {
            throw Batcher.tooLate();
        }
        try (QueryEncoder.Prepared image = encoder.prepare(encoded, region)) {
            return vector(images.ask(image), "The image");
        } catch (UnreadableImageException e) {
            throw problem(e);
        }
    }

    /**
     * The vectors of preprocessed images.
     *
     * @param values as {@link QueryEncoder#prepare(float[], int)} takes them
     */
    List<float[]> ofTensors(float[] values) {
        int size = encoder.imageSize();
        var rows = new ArrayList<QueryEncoder.Prepared>();
        try {
            for (int row = 0; row < values.length / (3 * size * size); row++) {
                rows.add(encoder.prepare(values, row));
            }
            return images.ask(rows).stream()
                    .map(embedding -> vector(embedding, "A tensor"))
                    .toList();
        } finally {
            rows.forEach(QueryEncoder.Prepared::close);
        }
    }

    private static float[] vector(Embedding embedding, String what) {
        return switch (embedding) {
            case Embedding.Vector(float[] values) -> values;
            case Embedding.Bad(String detail) ->
                throw ProblemException.impossible(what + " has no embedding: " + detail + ".");
        };
    }

    /**
     * The vector of a part of a stored image, taken from its thumbnail.
     *
     * @param jpeg all of the image, smaller
     * @param region in pixels of the image
     * @param width of the image, which the region refers to
     */
    float[] ofThumbnail(byte[] jpeg, Region region, int width, int height) {
        if (region.x() >= width || region.y() >= height) {
            throw ProblemException.badRequest(
                    "region lies outside of the image, which has " + width + " x " + height + " pixels.");
        }
        try {
            BufferedImage small = ImageIO.read(new ByteArrayInputStream(jpeg));
            if (small == null) {
                throw new IndexException("a stored thumbnail is no image");
            }
            double across = (double) small.getWidth() / width;
            double down = (double) small.getHeight() / height;
            int left = Math.min((int) (region.x() * across), small.getWidth() - 1);
            int top = Math.min((int) (region.y() * down), small.getHeight() - 1);
            int wide = (int) Math.ceil(Math.min(region.width(), width - region.x()) * across);
            int high = (int) Math.ceil(Math.min(region.height(), height - region.y()) * down);
            return ofImage(jpeg, new Region(left, top, Math.max(1, wide), Math.max(1, high)));
        } catch (IOException e) {
            throw new IndexException("a stored thumbnail cannot be read: " + e.getMessage(), e);
        }
    }

    float[] ofImageUrl(String text, @Nullable Region region) {
        return ofImage(fetch(text), region);
    }

    /** The bytes of an image on the web; the request holds no place while it waits for them. */
    byte[] fetch(String text) {
        return Place.away(() -> fetched(text));
    }

    private byte[] fetched(String text) {
        CanonicalUrl url = CanonicalUrl.of(text)
                .orElseThrow(
                        () -> ProblemException.badRequest("image_url must be an http or https address of an image."));
        try {
            WebResponse response = web.fetch(url, Map.of("Accept", ACCEPT));
            if (response.status() != 200) {
                throw ProblemException.impossible("image_url answered " + response.status()
                        + ": check that the address leads to a public image.");
            }
            return response.body();
        } catch (WebException e) {
            String detail = e.reason() == Reason.ADDRESS_DENIED
                    ? "image_url leads to an address that this server must not reach; send the image itself instead."
                    : "image_url cannot be fetched (" + e.getMessage() + "); send the image itself instead.";
            throw ProblemException.impossible(detail);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ProblemException.unavailable("The server is stopping.");
        }
    }

    private static ProblemException problem(UnreadableImageException e) {
        String detail = "The image cannot be read: " + e.getMessage();
        return switch (e.reason()) {
            case TOO_LARGE, TOO_MANY_PIXELS -> ProblemException.tooLarge(detail + ". Send a smaller one.");
            case EMPTY, NOT_AN_IMAGE, UNSUPPORTED_FORMAT ->
                ProblemException.notAnImage(detail + ". Send a JPEG, PNG, WebP, GIF or AVIF file.");
            default -> ProblemException.impossible(detail + ". Send another image.");
        };
    }
}
