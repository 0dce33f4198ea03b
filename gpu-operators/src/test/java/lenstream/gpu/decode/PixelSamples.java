package lenstream.gpu.decode;

/** Pixels for tests of later stages. */
public final class PixelSamples {
    private PixelSamples() {}

    /** Pixels over the given samples. */
    public static Pixels of(byte[] rgb, int width, int height) {
        return new Pixels(rgb, width, height, new PixelPool(1), 0);
    }
}
