package lenstream.connector.crawl;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import lenstream.core.image.ImageId;

/**
 * Which image URLs a site has named since its last full round, each with the stamp it had: 12 bytes an entry in a table
 * that is at most two thirds full, so some 24 bytes a URL. URLs are told apart by 63 bits of their SHA-256: among
 * 10<sup>6</sup> URLs the chance that any two are confused is below 10<sup>-7</sup>. Confined to one thread.
 */
final class SeenUrls {
    private long[] keys = new long[16];
    private int[] stamps = new int[16];
    private int size;

    static long key(String url) {
        return Long.parseUnsignedLong(ImageId.ofUrl(url).substring(0, 16), 16) | 1; // 0 marks a free slot
    }

    int size() {
        return size;
    }

    boolean contains(long key) {
        return keys[slot(keys, key)] == key;
    }

    /** The stamp of a URL that is contained. */
    int stamp(long key) {
        return stamps[slot(keys, key)];
    }

    void put(long key, int stamp) {
        int slot = slot(keys, key);
        if (keys[slot] != key) {
            keys[slot] = key;
            size++;
        }
        stamps[slot] = stamp;
        if (size * 3L > keys.length * 2L) {
            grow();
        }
    }

    void clear() {
        keys = new long[16];
        stamps = new int[16];
        size = 0;
    }

    SeenUrls copy() {
        var copy = new SeenUrls();
        copy.keys = keys.clone();
        copy.stamps = stamps.clone();
        copy.size = size;
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(size);
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != 0) {
                out.writeLong(keys[i]);
                out.writeInt(stamps[i]);
            }
        }
    }

    static SeenUrls read(DataInput in) throws IOException {
        int count = in.readInt();
        var seen = new SeenUrls();
        // at its final size at once: entries come in table order, which would cluster in a smaller table
        int capacity = Math.max(16, Integer.highestOneBit(count) * 4);
        seen.keys = new long[capacity];
        seen.stamps = new int[capacity];
        for (int left = count; left > 0; left--) {
            long key = in.readLong();
            seen.put(key, in.readInt());
        }
        return seen;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldStamps = stamps;
        keys = new long[oldKeys.length * 2];
        stamps = new int[oldKeys.length * 2];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != 0) {
                int slot = slot(keys, oldKeys[i]);
                keys[slot] = oldKeys[i];
                stamps[slot] = oldStamps[i];
            }
        }
    }

    private static int slot(long[] table, long key) {
        int slot = (int) (key >>> 20) & (table.length - 1);
        while (table[slot] != 0 && table[slot] != key) {
            slot = (slot + 1) & (table.length - 1);
        }
        return slot;
    }
}
