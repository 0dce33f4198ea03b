package lenstream.core.image;

/**
 * A line of words that stands in a picture, and where. Crosses Flink edges as a POJO; immutable.
 *
 * @param text as it was read, in reading direction; not blank
 * @param confidence mean probability of its characters, 0..1
 * @param x left edge of its upright bounding box, in pixels of the image after EXIF orientation
 * @param y upper edge
 * @param width of the box, at least 1
 * @param height of the box, at least 1
 */
public record TextRegion(String text, float confidence, int x, int y, int width, int height) {
    public TextRegion {
        if (text.isBlank()) {
            throw new IllegalArgumentException("a text region without text");
        }
        if (x < 0 || y < 0 || width < 1 || height < 1) {
            throw new IllegalArgumentException("a text region needs x, y >= 0 and at least one pixel, not [" + x + ", "
                    + y + ", " + width + ", " + height + "]");
        }
    }
}
