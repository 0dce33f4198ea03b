package lenstream.core.image;

import java.util.List;

/**
 * The bytes of one image as they came, and where they came from. Crosses Flink edges as a POJO.
 *
 * @param target what was asked for
 * @param bytes the encoded image; never written after construction
 * @param sha256 of {@code bytes}, 64 hex digits
 * @param version observation time in epoch ms, at least one more than the previous version of the same URL; the
 *     external version of everything written about this observation, never recomputed on replay
 * @param words that were read in the picture, in reading order; empty where none stand or nobody has read it
 */
public record FetchedImage(CrawlTarget target, byte[] bytes, String sha256, long version, List<TextRegion> words) {
    /** An image that nobody has read yet. */
    public FetchedImage(CrawlTarget target, byte[] bytes, String sha256, long version) {
        this(target, bytes, sha256, version, List.of());
    }

    /** The same with the words that were read in it. */
    public FetchedImage withWords(List<TextRegion> read) {
        return new FetchedImage(target, bytes, sha256, version, read);
    }
}
