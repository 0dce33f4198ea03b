package lenstream.gpu.preprocess;

import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.decode.Pixels;

/** Makes thumbnails: JPEG, longest side at most {@link #SIDE} pixels, never enlarged. Holds scratch space; confined. */
public final class ThumbnailMaker {
    /** Longest side, pixels. */
    public static final int SIDE = 256;

    private final Resizer resizer = new Resizer();
    private byte[] rgb = {};

    /** Where an image of this size lies in its thumbnail. */
    public static Geometry geometry(int width, int height) {
        int longer = Math.max(width, height);
        if (longer <= SIDE) {
            return new Geometry(width, height, 0, 0, width, height, 0, 0);
        }
        int outWidth = Math.max(1, (int) ((long) SIDE * width / longer));
        int outHeight = Math.max(1, (int) ((long) SIDE * height / longer));
        return new Geometry(outWidth, outHeight, 0, 0, outWidth, outHeight, 0, 0);
    }

    /**
     * The thumbnail of {@code pixels}, which are borrowed, as 8-bit RGB of its {@link #geometry}. The array may be longer, and is
     * borrowed until the next call, or belongs to the pixels.
     */
    public byte[] pixels(Pixels pixels) {
        Geometry to = geometry(pixels.width(), pixels.height());
        if (to.width() == pixels.width() && to.height() == pixels.height()) {
            return pixels.rgbView();
        }
        if (rgb.length == 0) {
            rgb = new byte[SIDE * SIDE * 3];
        }
        resizer.resize(
                pixels.rgbView(),
                pixels.width(),
                pixels.height(),
                to.width(),
                to.height(),
                Interpolation.BILINEAR,
                0,
                0,
                to.width(),
                to.height(),
                rgb);
        return rgb;
    }
}
