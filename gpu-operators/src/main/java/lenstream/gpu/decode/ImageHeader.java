package lenstream.gpu.decode;

/**
 * What the bytes say about an image before it is decoded.
 *
 * @param width as stored, before orientation
 * @param height as stored, before orientation
 * @param orientation EXIF orientation, 1 to 8
 * @param frames number of frames, at least 1
 * @param variant what a decoder has to be chosen by within the format
 */
record ImageHeader(Format format, int width, int height, int orientation, int frames, Variant variant) {

    enum Variant {
        ORDINARY,
        /** A JPEG of four components: cyan, magenta, yellow, black, stored inverted. */
        CMYK,
        /** The same with the first three as luma and chroma. */
        YCCK
    }

    ImageHeader(Format format, int width, int height, int orientation, int frames) {
        this(format, width, height, orientation, frames, Variant.ORDINARY);
    }

    long pixels() {
        return (long) width * height;
    }
}
