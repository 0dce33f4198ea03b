package lenstream.connector.duplicates;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import lenstream.core.image.PixelFeatures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BandIndexTest {
    private static final byte[] VECTOR = {127, 3, -50, 8};
    private final DuplicateConfig config = DuplicateConfig.defaults();
    private final SplittableRandom random = new SplittableRandom(4);
    private final List<BandIndex> bands = new ArrayList<>();

    BandIndexTest() {
        for (int band = 0; band < BandIndex.BANDS; band++) {
            bands.add(new BandIndex(config, GroupsTest.table(), GroupsTest.table()));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 1", "3, 1, 1", "7, 1, 1", "8, 0.93, 0.99", "10, 0.72, 0.84", "12, 0, 0", "20, 0, 0"})
    void copiesAreFoundByTheirDistance(int distance, double least, double most) {
        int found = 0;
        int rounds = 1_000;
        for (int i = 0; i < rounds; i++) {
            long hash = random.nextLong();
            put(key(2 * i), hash, VECTOR);
            found += put(key(2 * i + 1), flipped(hash, distance), VECTOR).contains(key(2 * i)) ? 1 : 0;
        }
        assertThat(found / (double) rounds).isBetween(least, most);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 1", "7, 1, 1", "10, 0.72, 0.84", "12, 0, 0"})
    void mirroredCopiesAreFoundAsWell(int distance, double least, double most) {
        int found = 0;
        int rounds = 1_000;
        for (int i = 0; i < rounds; i++) {
            long hash = random.nextLong();
            put(key(2 * i), hash, VECTOR);
            long mirrored = flipped(PixelFeatures.mirrored(hash), distance);
            List<String> copies = put(key(2 * i + 1), mirrored, VECTOR);
            assertThat(copies).hasSizeLessThanOrEqualTo(1);
            found += copies.contains(key(2 * i)) ? 1 : 0;
        }
        assertThat(found / (double) rounds).isBetween(least, most);
    }

    @Test
    void aPairIsReportedOnce() {
        put(key(1), 5, VECTOR);
        assertThat(put(key(2), 5, VECTOR)).containsExactly(key(1));
        assertThat(put(key(2), 5, VECTOR)).as("once more").containsExactly(key(1));
    }

    @Test
    void picturesThatTheEncoderTellsApartAreNoCopies() {
        put(key(1), 5, VECTOR);
        assertThat(put(key(2), 5, new byte[] {3, 127, 8, -50})).isEmpty();
    }

    @Test
    void aDrawerIsBoundedAndHoldsTheSmallestKeysInAnyOrder() {
        for (int i = 3_000; i > 0; i--) {
            put(key(i), 5, VECTOR);
        }
        assertThat(put(key(4_000), 5, VECTOR)).hasSize(256).contains(key(1), key(256));
    }

    private List<String> put(String content, long hash, byte[] vector) {
        var found = new ArrayList<String>();
        for (int band = 0; band < BandIndex.BANDS; band++) {
            found.addAll(bands.get(band).matchAndFile(new Probe(band, content, hash, vector)));
        }
        return found;
    }

    private long flipped(long hash, int bits) {
        long mask = 0;
        while (Long.bitCount(mask) < bits) {
            mask |= 1L << random.nextInt(64);
        }
        return hash ^ mask;
    }

    private static String key(int number) {
        return "%032x".formatted(number);
    }
}
