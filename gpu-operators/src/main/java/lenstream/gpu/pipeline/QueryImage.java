package lenstream.gpu.pipeline;

/**
 * An image that somebody searches with.
 *
 * @param embedding unit length, never written after construction
 * @param width of the oriented image, before any region was cut out
 * @param height of the oriented image, before any region was cut out
 * @param mime sniffed media type
 */
public record QueryImage(float[] embedding, int width, int height, String mime) {}
