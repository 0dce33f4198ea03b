package lenstream.gpu.pipeline;

/** A box in pixels of the oriented image, origin at its top left. What reaches beyond the image is cut off. */
public record Region(int x, int y, int width, int height) {
    public Region {
        if (x < 0 || y < 0 || width < 1 || height < 1) {
            throw new IllegalArgumentException("a region needs x, y ≥ 0 and width, height ≥ 1, not [" + x + ", " + y
                    + ", " + width + ", " + height + "]");
        }
    }
}
