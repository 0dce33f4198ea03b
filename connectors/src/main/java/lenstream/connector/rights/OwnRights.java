package lenstream.connector.rights;

import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import org.apache.flink.api.common.functions.MapFunction;

/** Adds to each image the credit and licence that its own metadata name, where the page that shows it named none. */
public final class OwnRights implements MapFunction<FetchedImage, FetchedImage> {
    private static final long serialVersionUID = 1;

    @Override
    public FetchedImage map(FetchedImage image) {
        CrawlTarget target = image.target();
        if (target.credit() != null && target.license() != null) {
            return image;
        }
        Rights own = Rights.of(image.bytes());
        if (own.equals(Rights.NONE)) {
            return image;
        }
        CrawlTarget known = target.withRights(
                target.credit() == null ? own.credit() : target.credit(),
                target.license() == null ? own.license() : target.license());
        return new FetchedImage(known, image.bytes(), image.sha256(), image.version());
    }
}
