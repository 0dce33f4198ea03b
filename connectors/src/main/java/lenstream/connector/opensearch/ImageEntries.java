package lenstream.connector.opensearch;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.PixelRules;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.index.Cosine;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;

/**
 * What an observation of an image changes in the index. An embedded image: its document and its thumbnail, and an
 * earlier rejection is withdrawn. A rejected one: its rejection; and where that is final, what the URL once showed is
 * withdrawn, for it shows it no more. Everything carries the observation's version.
 */
final class ImageEntries {
    /** Unit length within float rounding; a vector further off would not score as a cosine. */
    private static final double LENGTH_TOLERANCE = 1e-3;

    private ImageEntries() {}

    /** The entries of one row of a batch of this embedding space. */
    static List<BulkEntry> of(
            EmbeddedImage image, IndexLayout layout, Fingerprint fingerprint, PixelRules kept, Instant now) {
        float[] embedding = image.embedding();
        if (embedding == null) {
            return of(image.toRejection(), layout, layout.imageIndex(fingerprint));
        }
        String fault = fault(embedding);
        if (fault != null) {
            var rejection = new Rejection(image.target(), Stage.INDEX, Reason.BAD_EMBEDDING, fault, image.version());
            return of(rejection, layout, layout.imageIndex(fingerprint));
        }
        String id = image.target().id();
        var entries = new ArrayList<BulkEntry>(3);
        entries.add(BulkEntry.index(
                layout.imageIndex(fingerprint),
                id,
                image.version(),
                DocumentJson.image(
                        image,
                        embedding,
                        layout.quantisation(),
                        fingerprint.value(),
                        kept.sourceOf(image.encodedBytes()),
                        now),
                image.target().discoveredAtMillis()));
        byte[] thumbnail = image.thumbnail();
        if (thumbnail != null) {
            entries.add(BulkEntry.index(
                    layout.thumbnailIndex(), id, image.version(), DocumentJson.thumbnail(id, thumbnail), 0));
        }
        // always: a rejection that was written just before a crash is in no checkpoint, and deleting nothing costs
        // little; of an earlier observation only: should the index refuse this very document, its dead letter must stay
        entries.add(BulkEntry.delete(layout.rejectionIndex(), id, image.version() - 1));
        return entries;
    }

    /**
     * The entries of a rejection.
     *
     * @param imageIndex index or alias that may hold an earlier document of the image; deleting what is not there does
     *     nothing
     */
    static List<BulkEntry> of(Rejection rejection, IndexLayout layout, String imageIndex) {
        String id = rejection.target().id();
        BulkEntry deadLetter =
                BulkEntry.index(layout.rejectionIndex(), id, rejection.version(), DocumentJson.rejection(rejection), 0);
        return rejection.reason().withdraws()
                ? List.of(
                        deadLetter,
                        BulkEntry.delete(imageIndex, id, rejection.version()),
                        BulkEntry.delete(layout.thumbnailIndex(), id, rejection.version()))
                : List.of(deadLetter);
    }

    /** Why a vector must not be written; null if it may. The index itself accepts a zero vector. */
    private static @Nullable String fault(float[] embedding) {
        double length = Math.sqrt(Cosine.dot(embedding, embedding));
        return Math.abs(length - 1) <= LENGTH_TOLERANCE
                ? null
                : "the embedding of " + embedding.length + " values has length " + length + ", not 1";
    }
}
