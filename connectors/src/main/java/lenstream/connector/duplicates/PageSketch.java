package lenstream.connector.duplicates;

import java.nio.ByteBuffer;
import java.util.Arrays;
import lenstream.core.image.ImageId;
import org.jspecify.annotations.Nullable;

/**
 * How many distinct pages were seen, in bounded space: the {@value #MOST} smallest of their hashes. Exact below that
 * number; beyond it an estimate with a standard error of 9 %. Adding and merging do not depend on order or repetition.
 * Source: Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", 2002 (the k minimum values). Immutable.
 */
final class PageSketch {
    static final PageSketch EMPTY = new PageSketch(new long[0]);
    /** The hash of no page. */
    static final long NONE = -1;

    static final int MOST = 128;

    /** Ascending, without repetition, each from 0 on. */
    private final long[] hashes;

    private PageSketch(long[] hashes) {
        this.hashes = hashes;
    }

    /** 63 bits of a page's address; {@link #NONE} for null. */
    static long hash(@Nullable String url) {
        return url == null ? NONE : Long.parseUnsignedLong(ImageId.ofUrl(url).substring(0, 16), 16) >>> 1;
    }

    /** This and one page more; the very same sketch if nothing changes. */
    PageSketch with(long hash) {
        int at = Arrays.binarySearch(hashes, hash);
        if (hash == NONE || at >= 0 || hashes.length == MOST && -at - 1 == MOST) {
            return this;
        }
        int insert = -at - 1;
        var more = new long[Math.min(MOST, hashes.length + 1)];
        System.arraycopy(hashes, 0, more, 0, insert);
        more[insert] = hash;
        System.arraycopy(hashes, insert, more, insert + 1, more.length - insert - 1);
        return new PageSketch(more);
    }

    PageSketch with(PageSketch other) {
        PageSketch sum = this;
        for (long hash : other.hashes) {
            sum = sum.with(hash);
        }
        return sum;
    }

    /** Distinct pages. */
    long count() {
        return hashes.length < MOST
                ? hashes.length
                : Math.round((MOST - 1) / (hashes[MOST - 1] / (double) Long.MAX_VALUE));
    }

    byte[] bytes() {
        ByteBuffer bytes = ByteBuffer.allocate(hashes.length * Long.BYTES);
        bytes.asLongBuffer().put(hashes);
        return bytes.array();
    }

    static PageSketch of(byte @Nullable [] bytes) {
        if (bytes == null || bytes.length == 0) {
            return EMPTY;
        }
        var hashes = new long[bytes.length / Long.BYTES];
        ByteBuffer.wrap(bytes).asLongBuffer().get(hashes);
        return new PageSketch(hashes);
    }
}
