package lenstream.connector.warc;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import lenstream.connector.source.Arrival;
import lenstream.core.web.WebClient;
import org.netpreserve.jwarc.ParsingException;
import org.netpreserve.jwarc.WarcReader;
import org.netpreserve.jwarc.WarcRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One archive, read record by record from any record on: WARC or ARC, plain or compressed record by record. Confined to one
 * thread; holds one record at a time.
 */
final class Archive implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Archive.class);

    /** Before the first record. */
    static final long NOWHERE = -1;

    /**
     * A record.
     *
     * @param place offset of its first byte
     * @param arrivals what follows from it
     */
    record Step(long place, List<Arrival> arrivals) {}

    private final String url;
    private final WarcReader reader;
    private final RecordReader records;
    private final long base;

    private Archive(String url, WarcReader reader, RecordReader records, long base) {
        this.url = url;
        this.reader = reader;
        this.records = records;
        this.base = base;
    }

    /**
     * Opens behind a record.
     *
     * @param after offset of a record that is not wanted again; {@link #NOWHERE} to begin with the first
     * @throws ArchiveUnavailableException if it cannot be reached
     * @throws IOException if there is no record at that place
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the reader closes the stream, and close() the reader
    static Archive open(String url, long after, WebClient client, RecordReader records) throws IOException {
        long base = Math.max(0, after);
        InputStream in = ArchiveFile.open(url, base, client);
        try {
            var archive = new Archive(url, new WarcReader(in), records, base);
            if (after != NOWHERE && archive.reader.next().isEmpty()) {
                throw new IOException("there is no record at " + after);
            }
            return archive;
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /**
     * The next record; empty at the end.
     *
     * @throws ArchiveUnavailableException if the archive cannot be reached
     * @throws IOException if it breaks off or is damaged: what follows cannot be read
     */
    Optional<Step> next() throws IOException {
        Optional<WarcRecord> record = reader.next();
        if (record.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Step(base + reader.position(), arrivals(record.get())));
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

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
