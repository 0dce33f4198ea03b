package lenstream.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image of the index. What a server leaves out is null. Immutable.
 *
 * @param id of the image: the first 128 bits of the SHA-256 of its canonical URL, 32 hex digits
 * @param url of the image
 * @param pageUrl the page that shows it
 * @param title of the image or its page
 * @param alt alternative text
 * @param caption from a sitemap, feed or figure
 * @param credit who made it
 * @param license licence URL or text
 * @param host of the image
 * @param site the seed that led to it
 * @param via kind of resource it was found in
 * @param mime media type
 * @param width in pixels, after orientation
 * @param height in pixels, after orientation
 * @param frames 1 for a still image
 * @param cosine of query and image, -1 to 1; null outside of a search
 * @param score calibrated, 0 to 1; null outside of a search
 * @param sha256 of the encoded bytes
 * @param groupId of its near-duplicates
 * @param groupSize images of the group; null outside of a search
 * @param published when its site says that it was published
 * @param discovered when the crawl saw its URL
 * @param observed when its bytes came
 * @param indexed when it was written to the index
 * @param fingerprint of the embedding space
 * @param thumbnail path of its thumbnail on the server
 * @param ocr the words in the picture, line by line; null where none were found or nobody has read it
 * @param regions its parts of which something is known; null if there are none
 */
public record Hit(
        String id,
        String url,
        @Nullable String pageUrl,
        @Nullable String title,
        @Nullable String alt,
        @Nullable String caption,
        @Nullable String credit,
        @Nullable String license,
        @Nullable String host,
        @Nullable String site,
        @Nullable String via,
        @Nullable String mime,
        int width,
        int height,
        int frames,
        @Nullable Double cosine,
        @Nullable Double score,
        @Nullable String sha256,
        @Nullable String groupId,
        @Nullable Integer groupSize,
        @Nullable Instant published,
        @Nullable Instant discovered,
        @Nullable Instant observed,
        @Nullable Instant indexed,
        @Nullable String fingerprint,
        @Nullable String thumbnail,
        @Nullable String ocr,
        @Nullable List<Region> regions) {
    /**
     * A part of an image.
     *
     * @param box {@code x, y, width, height} in pixels of the image after orientation; {@link Search#region} takes it
     * @param label what it shows: {@code text} for words
     * @param score how certain that is, 0 to 1
     * @param text its words; null if it has none
     */
    public record Region(
            List<Integer> box,
            String label,
            double score,
            @Nullable String text) {}
}
