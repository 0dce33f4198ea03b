package lenstream.connector.source;

import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Rejection;
import lenstream.core.ledger.LedgerEntry;
import org.jspecify.annotations.Nullable;

/**
 * What comes from a source that brings more than targets: exactly one of these. Crosses Flink edges as a POJO; immutable.
 *
 * @param target an image to be visited
 * @param image one that came with its bytes
 * @param rejection one that came broken
 * @param ledger what else is to be said of one
 * @param page a page or feed to be read for its images, as a push
 */
public record Arrival(
        @Nullable CrawlTarget target,
        @Nullable FetchedImage image,
        @Nullable Rejection rejection,
        @Nullable LedgerEntry ledger,
        @Nullable Command page) {

    public static Arrival of(CrawlTarget target) {
        return new Arrival(target, null, null, null, null);
    }

    public static Arrival of(FetchedImage image) {
        return new Arrival(null, image, null, null, null);
    }

    public static Arrival of(Rejection rejection) {
        return new Arrival(null, null, rejection, null, null);
    }

    public static Arrival of(LedgerEntry ledger) {
        return new Arrival(null, null, null, ledger, null);
    }

    public static Arrival of(Command page) {
        return new Arrival(null, null, null, null, page);
    }
}
