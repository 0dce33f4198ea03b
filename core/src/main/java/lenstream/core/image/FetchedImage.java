package lenstream.core.image;

/**
 * The bytes of one image as they came, and where they came from. Crosses Flink edges as a POJO.
 *
 * @param target what was asked for
 * @param bytes the encoded image; never written after construction
 * @param sha256 of {@code bytes}, 64 hex digits
 * @param version observation time in epoch ms, at least one more than the previous version of the same URL; the
 *     external version of everything written about this observation, never recomputed on replay
 */
public record FetchedImage(CrawlTarget target, byte[] bytes, String sha256, long version) {}
