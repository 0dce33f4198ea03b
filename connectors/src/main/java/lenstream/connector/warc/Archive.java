package lenstream.connector.warc;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import lenstream.connector.source.Arrival;
import lenstream.connector.warc.ArchiveStep.Condition;
import lenstream.core.web.WebClient;
import org.jspecify.annotations.Nullable;
import org.netpreserve.jwarc.ParsingException;
import org.netpreserve.jwarc.WarcReader;
import org.netpreserve.jwarc.WarcRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One archive, read record by record from any record on: WARC or ARC, plain or compressed record by record. A damaged
 * record is told as a rejection, and reading goes on with the next one that can be found. Confined to one thread; holds one
 * record at a time.
 */
final class Archive implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Archive.class);

    /** Before the first record. */
    static final long NOWHERE = -1;

    private final String url;
    private final WebClient client;
    private final RecordReader records;
    private WarcReader reader;
    private long base;
    private long reached;
    private boolean broken;

    private Archive(String url, WebClient client, RecordReader records, long after) throws IOException {
        this.url = url;
        this.client = client;
        this.records = records;
        this.base = Math.max(0, after);
        this.reached = after;
        this.reader = reader(base);
    }

    /**
     * Opens behind a record.
     *
     * @param after offset of a record that is not wanted again; {@link #NOWHERE} to begin with the first
     * @param client for archives of the web; borrowed
     * @throws ArchiveUnavailableException if it cannot be reached
     * @throws IOException if there is no record at that place
     */
    @MustBeClosed
    static Archive open(String url, long after, WebClient client, RecordReader records) throws IOException {
        var archive = new Archive(url, client, records, after);
        try {
            if (after != NOWHERE && archive.reader.next().isEmpty()) {
                throw new IOException("there is no record at " + after);
            }
            return archive;
        } catch (IOException | RuntimeException e) {
            archive.close();
            throw e;
        }
    }

    @SuppressWarnings("MustBeClosed") // the reader closes the stream, and close() the reader
    private WarcReader reader(long offset) throws IOException {
        InputStream in = ArchiveFile.open(url, offset, client);
        try {
            return new WarcReader(in);
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /**
     * The next record; empty at the end.
     *
     * @throws ArchiveUnavailableException if the archive cannot be reached
     * @throws IOException if it cannot be read
     */
    Optional<ArchiveStep> next() throws IOException {
        if (broken) {
            return Optional.empty();
        }
        WarcRecord record = null;
        try {
            record = reader.next().orElse(null);
            if (record == null) {
                return Optional.empty();
            }
            List<Arrival> arrivals = arrivals(record);
            reached = base + reader.position();
            return Optional.of(new ArchiveStep(reached, arrivals, Condition.SOUND));
        } catch (ArchiveUnavailableException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            return Optional.of(damaged(record, e));
        }
    }

    /** A record with a fault of its own costs that record. */
    private List<Arrival> arrivals(WarcRecord record) throws IOException {
        try {
            return records.read(record);
        } catch (ParsingException | RuntimeException e) {
            LOG.debug("archive={} place={} is no proper record", url, base + reader.position(), e);
            return List.of();
        }
    }

    /**
     * Goes on behind the place where the archive cannot be read. The place that was reached stays, since a damaged record
     * is none that reading can begin at.
     *
     * @param record null if the damage lies before any that could be told
     */
    private ArchiveStep damaged(@Nullable WarcRecord record, Exception damage) throws IOException {
        long place = base + reader.position();
        List<Arrival> arrivals = records.damaged(record, place, damage);
        reader.close();
        OptionalLong next;
        try (InputStream rest = ArchiveFile.open(url, place + 1, client)) {
            next = new RecordSearch(rest).next();
        }
        broken = next.isEmpty();
        if (broken) {
            LOG.warn("archive={} cannot be read from place={} on: {}", url, place, damage.toString());
            return new ArchiveStep(reached, arrivals, Condition.BROKEN);
        }
        base = place + 1 + next.getAsLong();
        reader = reader(base);
        LOG.warn("archive={} is damaged at place={}, next={}: {}", url, place, base, damage.toString());
        return new ArchiveStep(reached, arrivals, Condition.DAMAGED);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
