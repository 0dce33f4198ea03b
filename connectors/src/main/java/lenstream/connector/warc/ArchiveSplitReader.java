package lenstream.connector.warc;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.Pause;
import lenstream.connector.warc.ArchiveStep.Condition;
import lenstream.core.web.WebClient;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads its archives one after the other, some records at a time. An archive that cannot be reached is tried again from
 * where it was; one that cannot be read any further ends there. Runs on Flink's fetcher thread, {@link #wakeUp} on any.
 */
final class ArchiveSplitReader implements SplitReader<ArchiveStep, ArchiveSplit> {
    private static final Logger LOG = LoggerFactory.getLogger(ArchiveSplitReader.class);
    private static final int RECORDS = 64;
    private static final long BYTES = 8 << 20;
    private static final long NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long WAIT_MILLIS = 500;
    private static final long RETRY_MILLIS = 10_000;
    private static final int ATTEMPTS = 5;

    private final WarcSource source;
    private final WebClient client;
    private final Deque<ArchiveSplit> waiting = new ArrayDeque<>();
    private final Pause pause = new Pause();
    private @Nullable ArchiveSplit current;
    private @Nullable Archive archive;
    private int failures;

    private ArchiveSplitReader(WarcSource source, WebClient client) {
        this.source = source;
        this.client = client;
    }

    @SuppressWarnings("MustBeClosed") // the reader closes it, and Flink closes the reader
    static ArchiveSplitReader open(WarcSource source) {
        return new ArchiveSplitReader(source, WebClient.open(source.web()));
    }

    @Override
    public RecordsWithSplitIds<ArchiveStep> fetch() throws IOException {
        var records = new RecordsBySplits.Builder<ArchiveStep>();
        ArchiveSplit split = current == null ? waiting.poll() : current;
        if (split == null) {
            pause.await(WAIT_MILLIS);
            return records.build();
        }
        current = split;
        try {
            if (archive == null) {
                archive = open(split);
            }
            read(archive, split, records);
            failures = 0;
        } catch (ArchiveUnavailableException e) {
            leave();
            if (++failures >= ATTEMPTS) {
                throw new IOException(e.getMessage() + "; a later run goes on here", e);
            }
            LOG.warn(
                    "archive={} place={} next try in millis={}: {}",
                    split.url(),
                    place(),
                    RETRY_MILLIS,
                    e.getMessage());
            pause.await(RETRY_MILLIS);
        } catch (IOException | RuntimeException e) {
            LOG.warn("archive={} cannot be read behind place={}: {}", split.url(), place(), e.toString());
            leave();
            records.add(split.splitId(), new ArchiveStep(place(), List.of(), Condition.BROKEN));
            finish(split, records);
        }
        return records.build();
    }

    private long place() {
        return current == null ? Archive.NOWHERE : current.place();
    }

    /** A place that holds no record is one of an archive that was compressed in one piece: it is read from the start. */
    @SuppressWarnings("MustBeClosed") // closed by leave()
    private Archive open(ArchiveSplit split) throws IOException {
        var reader = new RecordReader(split.url(), source.maxBytes(), source.fetchesLinked());
        try {
            return Archive.open(split.url(), split.place(), client, reader);
        } catch (ArchiveUnavailableException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            if (split.place() == Archive.NOWHERE) {
                throw e;
            }
            LOG.info("archive={} has no record at place={}, it is read from the start", split.url(), split.place());
            return Archive.open(split.url(), Archive.NOWHERE, client, reader);
        }
    }

    private void read(Archive from, ArchiveSplit split, RecordsBySplits.Builder<ArchiveStep> records)
            throws IOException {
        long bytes = 0;
        long deadline = System.nanoTime() + NANOS;
        for (int i = 0; i < RECORDS && bytes < BYTES && System.nanoTime() < deadline; i++) {
            Optional<ArchiveStep> step = from.next();
            if (step.isEmpty()) {
                leave();
                finish(split, records);
                return;
            }
            ArchiveStep next = step.get();
            bytes += next.arrivals().stream()
                    .mapToLong(ArchiveSplitReader::bytes)
                    .sum();
            current = split.at(next.place());
            records.add(split.splitId(), next);
        }
    }

    private static long bytes(Arrival arrival) {
        return arrival.image() == null ? 0 : arrival.image().bytes().length;
    }

    private void finish(ArchiveSplit split, RecordsBySplits.Builder<ArchiveStep> records) {
        records.addFinishedSplit(split.splitId());
        current = null;
    }

    private void leave() throws IOException {
        if (archive != null) {
            archive.close();
            archive = null;
        }
    }

    @Override
    public void handleSplitsChanges(SplitsChange<ArchiveSplit> change) {
        waiting.addAll(change.splits());
    }

    @Override
    public void wakeUp() {
        pause.wakeUp();
    }

    @Override
    public void close() throws IOException {
        try {
            leave();
        } finally {
            client.close();
        }
    }
}
