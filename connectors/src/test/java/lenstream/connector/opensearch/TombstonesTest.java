package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;
import org.junit.jupiter.api.Test;

class TombstonesTest {
    private static final IndexLayout LAYOUT = IndexLayout.defaults();
    private static final String IMAGES = LAYOUT.imageIndex(new Fingerprint("test-1-00000000"));

    private final Tombstones tombstones = new Tombstones(LAYOUT);

    @Test
    void whatIsOlderThanItsDeletionIsCovered() {
        tombstones.note(BulkEntry.delete(IMAGES, "a", 5), 0);
        assertThat(tombstones.cover(write(IMAGES, "a", 4))).isTrue();
        assertThat(tombstones.cover(write(IMAGES, "a", 5)))
                .as("the same observation")
                .isFalse();
        assertThat(tombstones.cover(write(IMAGES, "a", 6))).as("it is back").isFalse();
        assertThat(tombstones.cover(write(IMAGES, "b", 4))).isFalse();
        assertThat(tombstones.cover(write(LAYOUT.thumbnailIndex(), "a", 4))).isFalse();
    }

    @Test
    void anOlderDeletionDoesNotReplaceANewerOne() {
        tombstones.note(BulkEntry.delete(IMAGES, "a", 5), 0);
        tombstones.note(BulkEntry.delete(IMAGES, "a", 3), 1);
        assertThat(tombstones.cover(write(IMAGES, "a", 4))).isTrue();
    }

    /** A page's refusal deletes through the alias what was written to the index by its own name. */
    @Test
    void aDeletionHoldsForEveryImageIndex() {
        tombstones.note(BulkEntry.delete(LAYOUT.writeAlias(), "a", 5), 0);
        assertThat(tombstones.cover(write(IMAGES, "a", 4))).isTrue();
        tombstones.note(BulkEntry.delete(IMAGES, "a", 5), 0);
        assertThat(tombstones.kept()).as("from both").hasSize(2);
    }

    @Test
    void deletionsOfImagesAreKeptInTheState() {
        tombstones.note(BulkEntry.delete(IMAGES, "a", 5), 0);
        tombstones.note(BulkEntry.delete(LAYOUT.rejectionIndex(), "b", 5), 0);
        tombstones.note(write(IMAGES, "c", 5), 0);
        assertThat(tombstones.kept()).containsExactly(BulkEntry.delete(IMAGES, "a", 5));
    }

    @Test
    void theyAreForgottenInTheirOrder() {
        long age = Tombstones.AGE.toMillis();
        tombstones.note(BulkEntry.delete(IMAGES, "a", 5), 0);
        tombstones.note(BulkEntry.delete(IMAGES, "b", 5), age);
        assertThat(tombstones.cover(write(IMAGES, "a", 4))).isTrue();
        tombstones.note(BulkEntry.delete(IMAGES, "c", 5), age + 1);
        assertThat(tombstones.cover(write(IMAGES, "a", 4))).isFalse();
        for (int i = 0; i < Tombstones.MOST; i++) {
            tombstones.note(BulkEntry.delete(IMAGES, "n" + i, 5), age + 1);
        }
        assertThat(tombstones.cover(write(IMAGES, "c", 4)))
                .as("memory is bounded")
                .isFalse();
        assertThat(tombstones.kept()).hasSize(Tombstones.MOST_KEPT);
    }

    private static BulkEntry write(String index, String id, long version) {
        return BulkEntry.index(index, id, version, "{}".getBytes(UTF_8), 1);
    }
}
