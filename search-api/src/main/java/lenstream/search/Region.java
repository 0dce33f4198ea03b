package lenstream.search;

/**
 * A part of a query image, in pixels of the image as it is shown (after EXIF orientation); clipped to the image.
 *
 * @param x left edge
 * @param y upper edge
 */
public record Region(int x, int y, int width, int height) {
    public Region {
        if (x < 0 || y < 0 || width < 1 || height < 1) {
            throw new IllegalArgumentException(
                    "region must be [x, y, width, height] with x, y ≥ 0 and at least one pixel");
        }
    }
}
