package lenstream.gpu.decode;

/** An image format that can be decoded. */
public enum Format {
    JPEG("image/jpeg"),
    PNG("image/png"),
    GIF("image/gif"),
    WEBP("image/webp"),
    BMP("image/bmp"),
    TIFF("image/tiff"),
    AVIF("image/avif"),
    JPEG2000("image/jp2"),
    /** PBM, PGM and PPM, as text or raw. */
    PNM("image/x-portable-anymap");

    private final String mime;

    Format(String mime) {
        this.mime = mime;
    }

    /** Media type, such as {@code image/jpeg}. */
    public String mime() {
        return mime;
    }
}
