package lenstream.connector.warc;

import java.util.Arrays;
import java.util.List;

/**
 * What the enumerator has to remember: eight bytes an archive, however long its URL is. Immutable.
 *
 * @param taken keys of the archives that were given out, in order; never written after construction
 * @param returned archives that came back and were not given out again
 */
public record ArchiveCheckpoint(long[] taken, List<ArchiveSplit> returned) {
    public ArchiveCheckpoint {
        returned = List.copyOf(returned);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ArchiveCheckpoint that
                && Arrays.equals(taken, that.taken)
                && returned.equals(that.returned);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(taken) * 31 + returned.hashCode();
    }

    @Override
    public String toString() {
        return "ArchiveCheckpoint[taken=" + taken.length + ", returned=" + returned + "]";
    }
}
