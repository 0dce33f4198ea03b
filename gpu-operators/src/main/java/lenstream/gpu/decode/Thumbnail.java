package lenstream.gpu.decode;

/** Encodes small pictures as JPEG for people to look at. */
public final class Thumbnail {
    private static final int QUALITY = 80;

    private Thumbnail() {}

    /**
     * A baseline JPEG of quality 80.
     *
     * @param rgb 8-bit RGB, interleaved, without row padding; borrowed
     */
    public static byte[] jpeg(byte[] rgb, int width, int height) {
        return jpeg(rgb, width, height, QUALITY);
    }

    /** The same with another quality, 1 to 100. */
    public static byte[] jpeg(byte[] rgb, int width, int height, int quality) {
        return OpenCv.jpeg(rgb, width, height, quality);
    }
}
