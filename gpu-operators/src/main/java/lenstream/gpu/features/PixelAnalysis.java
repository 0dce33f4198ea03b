package lenstream.gpu.features;

import lenstream.core.image.PixelFeatures;

/** Computes {@link PixelFeatures} of a small picture, such as a thumbnail. Stateless and thread-safe. */
public final class PixelAnalysis {
    private PixelAnalysis() {}

    /**
     * The features of one picture. A scaled copy of the image serves as well as the image itself: neither hash nor
     * colours see more than 32 x 32 cells and a few thousand pixels.
     *
     * @param rgb 8-bit RGB, interleaved, rows without padding; the array may be longer; borrowed
     */
    public static PixelFeatures of(byte[] rgb, int width, int height) {
        DominantColors colors = DominantColors.of(rgb, width, height);
        return new PixelFeatures(PerceptualHash.of(rgb, width, height), colors.names(), colors.hex());
    }
}
