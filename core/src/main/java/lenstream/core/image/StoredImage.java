package lenstream.core.image;

/**
 * An image as the image store keeps it. Crosses Flink edges as a POJO; immutable.
 *
 * @param id of its document
 * @param url canonical URL, for people who look into the store
 * @param sha256 of the bytes as they were fetched, 64 hex digits; a document of the same id and hash shows these pixels
 * @param version observation time in epoch ms (see {@link FetchedImage#version()})
 * @param source whether {@code bytes} are the original or a copy
 * @param bytes the encoded image; never written after construction
 */
public record StoredImage(String id, String url, String sha256, long version, PixelSource source, byte[] bytes) {}
