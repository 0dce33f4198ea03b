package lenstream.connector.duplicates;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import lenstream.core.image.PixelFeatures;

/**
 * Finds earlier contents whose hash is near, without looking at all of them. The 64 bits are {@value #BANDS} bands of
 * {@value #BITS}; contents are filed under the value of each band, and looked for under that value and the {@value #BITS}
 * that differ in one bit. By the pigeonhole principle hashes up to a distance of 7 always meet in some band (8 bits would
 * have to fall on every band twice); at 8 they meet in 96 %, at 10 in 78 % of the cases. Bits of one band lie apart in the
 * hash, for neighbouring frequencies change together. A content is looked for as it is and as its mirror image.
 *
 * <p>Every band is looked at by itself, so that bands can be spread; a pair is reported by the lowest band it meets in. What
 * is found does not depend on the order in which contents come: the later of the two finds the earlier. A drawer holds the
 * {@value #DRAWER} smallest content keys, whatever their order, so none grows without bound. Confined to one thread.
 */
public final class BandIndex {
    /** Bands of a hash. */
    public static final int BANDS = 4;

    private static final int BITS = 16;
    private static final int DRAWER = 256;
    private static final int KEY_BYTES = 16;
    private static final HexFormat HEX = HexFormat.of();

    private final DuplicateConfig config;
    private final Table<Integer> drawers;
    private final Table<String> vectors;

    /**
     * @param drawers of one band, by the band's value
     * @param vectors of the contents in them
     */
    BandIndex(DuplicateConfig config, Table<Integer> drawers, Table<String> vectors) {
        this.config = config;
        this.drawers = drawers;
        this.vectors = vectors;
    }

    /** Files a content in its band and returns the contents it looks like, of those that no lower band reports. */
    List<String> matchAndFile(Probe probe) {
        var found = new ArrayList<String>();
        int value = value(probe.hash(), probe.band());
        look(probe, value, found);
        int mirrored = value(PixelFeatures.mirrored(probe.hash()), probe.band());
        if (mirrored != value) { // half of the bands hold what mirroring leaves as it is
            look(probe, mirrored, found);
        }
        file(probe, value);
        return found;
    }

    private void look(Probe probe, int value, List<String> found) {
        for (int flip = -1; flip < BITS; flip++) {
            byte[] bytes = drawers.get(flip < 0 ? value : value ^ 1 << flip);
            if (bytes != null) {
                match(probe, bytes, found);
            }
        }
    }

    private void match(Probe probe, byte[] drawer, List<String> found) {
        try (var in = new DataInputStream(new ByteArrayInputStream(drawer))) {
            var key = new byte[KEY_BYTES];
            while (in.available() > 0) {
                in.readFully(key);
                long hash = in.readLong();
                if (isNear(hash, probe.hash(), probe.band())
                        || isNear(hash, PixelFeatures.mirrored(probe.hash()), probe.band())) {
                    String content = HEX.formatHex(key);
                    byte[] vector = vectors.get(content); // null: forgotten
                    if (!content.equals(probe.content())
                            && vector != null
                            && vector.length == probe.vector().length
                            && Sketch.cosine(vector, probe.vector()) >= config.cosine()
                            && !found.contains(content)) {
                        found.add(content);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // only memory is read
        }
    }

    /** Whether hashes are within the distance, and meet in this band and in none below. */
    private boolean isNear(long one, long other, int band) {
        if (Long.bitCount(one ^ other) > config.distance() || !meet(one, other, band)) {
            return false;
        }
        for (int lower = 0; lower < band; lower++) {
            if (meet(one, other, lower)) {
                return false;
            }
        }
        return true;
    }

    private static boolean meet(long one, long other, int band) {
        return Integer.bitCount(value(one, band) ^ value(other, band)) <= 1;
    }

    private void file(Probe probe, int value) {
        byte[] before = drawers.get(value);
        var entries = new TreeMap<String, Long>();
        if (before != null) {
            try (var in = new DataInputStream(new ByteArrayInputStream(before))) {
                var key = new byte[KEY_BYTES];
                while (in.available() > 0) {
                    in.readFully(key);
                    entries.put(HEX.formatHex(key), in.readLong());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        if (entries.containsKey(probe.content())) {
            vectors.put(probe.content(), probe.vector()); // is remembered anew
            return;
        }
        entries.keySet().removeIf(content -> entries.size() >= DRAWER / 2 && vectors.get(content) == null);
        entries.put(probe.content(), probe.hash());
        if (entries.size() > DRAWER) {
            String last = entries.lastKey();
            entries.remove(last);
            if (last.equals(probe.content())) {
                return;
            }
            vectors.remove(last);
        }
        vectors.put(probe.content(), probe.vector());
        var bytes = new ByteArrayOutputStream(entries.size() * (KEY_BYTES + Long.BYTES));
        try (var out = new DataOutputStream(bytes)) {
            for (var entry : entries.entrySet()) {
                out.write(HEX.parseHex(entry.getKey()));
                out.writeLong(entry.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        drawers.put(value, bytes.toByteArray());
    }

    /** The bits {@code band}, {@code band + 4}, {@code band + 8} … of a hash. */
    static int value(long hash, int band) {
        int value = 0;
        for (int i = 0; i < BITS; i++) {
            value |= (int) (hash >>> (i * BANDS + band) & 1) << i;
        }
        return value;
    }
}
