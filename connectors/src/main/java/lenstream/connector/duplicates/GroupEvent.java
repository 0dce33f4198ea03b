package lenstream.connector.duplicates;

import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Rejection;

/**
 * What changes groups. Crosses Flink edges as a POJO; immutable.
 *
 * @param kind of event; says what the other values are
 * @param subject id of an image; for {@link Kind#ALIKE} a content
 * @param content of the image; for {@link Kind#ALIKE} the other content; else empty
 * @param version of the observation, epoch ms
 * @param pixels width times height
 * @param page {@link PageSketch#hash} of the page
 * @param millis when it was discovered, epoch ms
 */
public record GroupEvent(Kind kind, String subject, String content, long version, long pixels, long page, long millis) {
    /** What happened. */
    public enum Kind {
        /** An image was embedded. */
        OBSERVED,
        /** An image is to be found no more. */
        GONE,
        /** A page shows an image. */
        SEEN,
        /** Two contents look alike. */
        ALIKE
    }

    public static GroupEvent observed(Sketch sketch) {
        return new GroupEvent(
                Kind.OBSERVED,
                sketch.id(),
                sketch.content(),
                sketch.version(),
                sketch.pixels(),
                sketch.page(),
                sketch.discoveredAtMillis());
    }

    /** Only for rejections that withdraw the image: {@link lenstream.core.image.Reason#withdraws()}. */
    public static GroupEvent gone(Rejection rejection) {
        return new GroupEvent(Kind.GONE, rejection.target().id(), "", rejection.version(), 0, PageSketch.NONE, 0);
    }

    /** Discovery found an image, again perhaps. */
    public static GroupEvent seen(CrawlTarget target) {
        return new GroupEvent(
                Kind.SEEN, target.id(), "", 0, 0, PageSketch.hash(target.pageUrl()), target.discoveredAtMillis());
    }

    static GroupEvent alike(String one, String other) {
        return new GroupEvent(Kind.ALIKE, one, other, 0, 0, PageSketch.NONE, 0);
    }
}
