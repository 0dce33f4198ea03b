package lenstream.connector.opensearch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import lenstream.core.index.IndexLayout;

/**
 * Deletions that passed through a writer lately. OpenSearch forgets the version of a deleted document after a while, and
 * all of them when a node ends; an older observation that still waits for a busy shard, or for its turn at the encoder,
 * must not bring the document back then.
 *
 * <p>What was deleted in one image index counts for every image index of the layout: the URL shows the image no more. The
 * deletions of images are part of the sink's state ({@link #kept}): restored, they are sent again, which is harmless.
 * Confined to the task thread.
 */
final class Tombstones {
    /** Longer than anything waits in the job but for a cluster that is away, when no deletion is acknowledged either. */
    static final Duration AGE = Duration.ofMinutes(30);

    /** Some 200 bytes each. */
    static final int MOST = 50_000;

    /** Withdrawn rejections, one an indexed image, stay out of the state: they would be its greater part. */
    static final int MOST_KEPT = 10_000;

    private static final String IMAGES = "";

    private final IndexLayout layout;
    private final LinkedHashMap<Key, Grave> graves = new LinkedHashMap<>();

    private record Key(String index, String id) {}

    /**
     * A deleted document.
     *
     * @param version of the newest deletion
     * @param deletions one an index that it was deleted from: there are two while another encoder moves in
     */
    private record Grave(long version, List<BulkEntry> deletions, long atMillis) {}

    Tombstones(IndexLayout layout) {
        this.layout = layout;
    }

    /** Takes note of a deletion; anything else is none. */
    void note(BulkEntry entry, long nowMillis) {
        if (entry.op() != BulkEntry.Op.DELETE) {
            return;
        }
        Key key = key(entry);
        Grave before = graves.remove(key); // to the end of the order
        var deletions = new ArrayList<BulkEntry>(1);
        long version = entry.version();
        BulkEntry newest = entry.withAttempts(0);
        if (before != null) {
            version = Math.max(version, before.version());
            for (BulkEntry other : before.deletions()) {
                if (!other.index().equals(entry.index())) {
                    deletions.add(other);
                } else if (other.version() > newest.version()) {
                    newest = other;
                }
            }
        }
        deletions.add(newest);
        graves.put(key, new Grave(version, List.copyOf(deletions), nowMillis));
        while (graves.size() > MOST || graves.firstEntry().getValue().atMillis() < nowMillis - AGE.toMillis()) {
            graves.pollFirstEntry();
        }
    }

    /** Whether a document was deleted by a newer observation than this entry's. */
    boolean cover(BulkEntry entry) {
        Grave grave = entry.op() == BulkEntry.Op.INDEX ? graves.get(key(entry)) : null;
        return grave != null && grave.version() > entry.version();
    }

    /** The youngest deletions of images and thumbnails, for the state. */
    List<BulkEntry> kept() {
        var kept = new ArrayList<BulkEntry>();
        for (Grave grave : graves.values()) {
            for (BulkEntry deletion : grave.deletions()) {
                if (!deletion.index().equals(layout.rejectionIndex())) {
                    kept.add(deletion);
                }
            }
        }
        return kept.size() <= MOST_KEPT ? kept : kept.subList(kept.size() - MOST_KEPT, kept.size());
    }

    private Key key(BulkEntry entry) {
        return new Key(layout.isImageIndex(entry.index()) ? IMAGES : entry.index(), entry.id());
    }
}
