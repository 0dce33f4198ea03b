package lenstream.connector.warc;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.Submission;
import lenstream.core.config.ConfigException;
import lenstream.core.config.DataSize;
import lenstream.core.web.WebConfig;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads web archives, any number of them in parallel: their images with their bytes, and, if asked, the images that their
 * pages name, as targets. A split is an archive with the record that was read last. An archive is read once, by this run or
 * a later one that has its state. The stream never ends: its watermark tells when every archive was read.
 * Immutable; each object is a submission, as are its copies with other settings.
 */
public final class WarcSource implements Source<Arrival, ArchiveSplit, ArchiveCheckpoint>, Submission {
    private static final long serialVersionUID = 2;

    private final ArrayList<String> places;
    private final WebConfig web;
    private final int maxBytes;
    private final boolean fetchLinked;
    private final @Nullable Duration interval;
    private final long submittedAtMillis = System.currentTimeMillis();

    private WarcSource(
            List<String> places, WebConfig web, int maxBytes, boolean fetchLinked, @Nullable Duration interval) {
        this.places = new ArrayList<>(places);
        this.web = web;
        this.maxBytes = maxBytes;
        this.fetchLinked = fetchLinked;
        this.interval = interval;
    }

    /**
     * @param places files, folders, patterns such as {@code crawls/*.warc.gz}, prefixes of object stores, URLs of the web, or
     *     lists of any of these, one a line
     * @param web how archives on the web are reached; its largest body is the largest image or page
     * @throws ConfigException naming each that cannot be read
     */
    public static WarcSource of(List<String> places, WebConfig web) {
        List<String> problems = places.stream()
                .map(ArchivePlaces::problem)
                .filter(problem -> !problem.isEmpty())
                .toList();
        if (places.isEmpty()) {
            problems = List.of("name at least one");
        }
        if (!problems.isEmpty()) {
            throw new ConfigException("archives", problems);
        }
        int maxBytes = Math.toIntExact(web.maxBytes().bytes());
        long piece = Math.max(web.maxBytes().bytes(), 2L * RangeStream.PIECE);
        return new WarcSource(places, web.withMaxBytes(new DataSize(piece)), maxBytes, false, null);
    }

    /** Whether a place is named like an archive or a list of them. */
    public static boolean isNamedLikeAnArchive(String place) {
        String lower = place.toLowerCase(Locale.ROOT);
        return ArchivePlaces.isArchive(place) || lower.endsWith(".paths") || lower.endsWith(".paths.gz");
    }

    /** The images that archived pages name are visited on the web. */
    public WarcSource fetchingLinked() {
        return new WarcSource(places, web, maxBytes, true, interval);
    }

    /** Lists the places again and again, with this pause in between. */
    public WarcSource following(Duration pause) {
        return new WarcSource(places, web, maxBytes, fetchLinked, pause);
    }

    /**
     * How many archives there are now. Blocks.
     *
     * @throws ConfigException if they cannot be listed, or there is none
     */
    public int count() {
        try {
            int count = new ArchivePlaces(web).list(places).size();
            if (count == 0 && interval == null) {
                throw new ConfigException(
                        "archives",
                        List.of("there is none in " + String.join(", ", places) + "; they end in .warc.gz"));
            }
            return count;
        } catch (IOException e) {
            throw new ConfigException("archives", List.of(String.valueOf(e.getMessage())));
        }
    }

    WebConfig web() {
        return web;
    }

    int maxBytes() {
        return maxBytes;
    }

    boolean fetchesLinked() {
        return fetchLinked;
    }

    @Override
    public long submittedAtMillis() {
        return submittedAtMillis;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SplitEnumerator<ArchiveSplit, ArchiveCheckpoint> createEnumerator(
            SplitEnumeratorContext<ArchiveSplit> context) {
        return enumerator(context, null);
    }

    @Override
    public SplitEnumerator<ArchiveSplit, ArchiveCheckpoint> restoreEnumerator(
            SplitEnumeratorContext<ArchiveSplit> context, ArchiveCheckpoint checkpoint) {
        return enumerator(context, checkpoint);
    }

    private ArchiveEnumerator enumerator(
            SplitEnumeratorContext<ArchiveSplit> context, @Nullable ArchiveCheckpoint checkpoint) {
        var archives = new ArchivePlaces(web);
        return new ArchiveEnumerator(
                context, () -> archives.list(places), interval, fetchLinked ? " linked" : "", checkpoint);
    }

    @Override
    public SimpleVersionedSerializer<ArchiveSplit> getSplitSerializer() {
        return new ArchiveSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<ArchiveCheckpoint> getEnumeratorCheckpointSerializer() {
        return new ArchiveCheckpointSerializer();
    }

    @Override
    public SourceReader<Arrival, ArchiveSplit> createReader(SourceReaderContext context) {
        return new ArchiveReader(this, context);
    }
}
