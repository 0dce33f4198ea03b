package lenstream.core.index;

/** Names of the fields of an image document; they follow the search answer. */
public final class Field {
    public static final String ID = "id";
    public static final String URL = "url";
    public static final String HOST = "host";
    public static final String SITE = "site";
    public static final String PAGE_URL = "page_url";
    public static final String TITLE = "title";
    public static final String ALT = "alt";
    public static final String CAPTION = "caption";
    public static final String CREDIT = "credit";
    public static final String LICENSE = "license";
    public static final String VIA = "via";
    public static final String SHA256 = "sha256";
    public static final String GROUP_ID = "group_id";
    public static final String FINGERPRINT = "fingerprint";
    public static final String MIME = "mime";
    /** Length of the encoded image as it was fetched. */
    public static final String BYTES = "bytes";
    /** What the image store holds: see {@link lenstream.core.image.PixelSource}. */
    public static final String PIXEL_SOURCE = "pixel_source";

    public static final String WIDTH = "width";
    public static final String HEIGHT = "height";
    public static final String FRAMES = "frames";
    /** Perceptual hash, 16 hex digits; absent for an image without structure. */
    public static final String PHASH = "phash";

    /** Names of the main colours, the largest share first. */
    public static final String COLOR = "color";

    /** Mean of the first colour as {@code #rrggbb}. */
    public static final String COLOR_HEX = "color_hex";

    /** The words in the picture, line by line; absent where none were found or nobody has looked. */
    public static final String OCR = "ocr";

    /** The same text by its sequences of three letters or digits, which finds parts of words and words read amiss. */
    public static final String OCR_TRIGRAMS = OCR + ".tri";

    /** Parts of the picture, each with a label, a box in pixels after orientation, a score, and its text if it has one. */
    public static final String REGIONS = "regions";

    /** What a region shows: {@link #TEXT} for words. */
    public static final String LABEL = "label";

    public static final String REGION_LABEL = REGIONS + "." + LABEL;
    public static final String BOX = "box";
    public static final String SCORE = "score";
    public static final String TEXT = "text";

    public static final String ORIENTATION = "orientation";
    public static final String PUBLISHED = "published";
    public static final String DISCOVERED = "discovered";
    public static final String OBSERVED = "observed";
    public static final String INDEXED = "indexed";
    public static final String EMBEDDING = "embedding";

    /** Fields of a group: its best image, the number of its images, of pages that show one of them, since when, and some. */
    public static final String CANONICAL = "canonical";

    public static final String GROUP_SIZE = "group_size";
    public static final String SEEN_ON = "seen_on";
    public static final String FIRST_SEEN = "first_seen";
    public static final String MEMBERS = "members";

    /** Fields of a rejection. */
    public static final String STAGE = "stage";

    public static final String REASON = "reason";
    public static final String DETAIL = "detail";

    /** Fields of a line of the ledger, beside those of its image. */
    public static final String IMAGE = "image";

    public static final String OUTCOME = "outcome";
    public static final String ROBOTS = "robots";
    public static final String AT = "at";
    public static final String SINCE = "since";
    public static final String TIMES = "times";
    public static final String NEXT = "next";
    public static final String FRESHNESS = "freshness";

    /** Fields of a match, beside some of its image's: the alert's id, and how near they are. */
    public static final String ALERT = "alert";

    public static final String COSINE = "cosine";

    /** The JPEG of a thumbnail document, base64. */
    public static final String JPEG = "jpeg";

    private Field() {}
}
