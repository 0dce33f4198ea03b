package lenstream.connector.folder;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The files of one complete look at a tree, in the order of the walk, and those that a look no longer found. A name is kept
 * as what it does not share with the one before it, so that a file takes some 10 to 30 bytes of heap. Written once from the
 * first name to the last, then read. Confined to one thread.
 */
final class Listing {
    /** A longer common start is told in part. */
    private static final int MOST_SHARED = 0x7fff;

    private static final int MISSED = 0x8000;
    private static final int MOST_BYTES = Integer.MAX_VALUE - 8;

    /**
     * A file of the listing.
     *
     * @param position relative to the root
     * @param missed whether it was not found any more
     */
    record File(String position, boolean missed) {}

    private byte[] bytes = new byte[1 << 10];
    private int length;
    private byte[] last = new byte[0];

    /** Adds a name behind the others. */
    void add(String position, boolean missed) {
        byte[] name = position.getBytes(StandardCharsets.UTF_8);
        int shared = Arrays.mismatch(last, name);
        shared = Math.min(MOST_SHARED, shared < 0 ? name.length : shared);
        int rest = name.length - shared;
        ensure(rest);
        putShort(shared | (missed ? MISSED : 0));
        putShort(rest);
        System.arraycopy(name, shared, bytes, length, rest);
        length += rest;
        last = name;
    }

    private void ensure(int rest) {
        long needed = (long) length + rest + 4;
        if (needed > MOST_BYTES) {
            throw new IllegalStateException("a listing of " + needed + " bytes does not fit into memory");
        }
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.clamp(bytes.length * 3L / 2, needed, MOST_BYTES));
        }
    }

    private void putShort(int value) {
        bytes[length++] = (byte) (value >> 8);
        bytes[length++] = (byte) value;
    }

    /** Bytes of heap. */
    int size() {
        return length;
    }

    /** Reads from the first name on. */
    Cursor read() {
        return new Cursor(this);
    }

    /** Goes through a listing. */
    static final class Cursor {
        private final Listing listing;
        private byte[] name = new byte[0];
        private int at;

        private Cursor(Listing listing) {
            this.listing = listing;
        }

        /** The next file; null at the end. */
        @Nullable
        File next() {
            if (at >= listing.length) {
                return null;
            }
            int first = getShort();
            int shared = first & MOST_SHARED;
            int rest = getShort();
            var full = Arrays.copyOf(name, shared + rest);
            System.arraycopy(listing.bytes, at, full, shared, rest);
            at += rest;
            name = full;
            return new File(new String(name, StandardCharsets.UTF_8), (first & MISSED) != 0);
        }

        private int getShort() {
            int value = (listing.bytes[at] & 0xff) << 8 | listing.bytes[at + 1] & 0xff;
            at += 2;
            return value;
        }
    }
}
