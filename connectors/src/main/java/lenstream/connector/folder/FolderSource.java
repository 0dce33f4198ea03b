package lenstream.connector.folder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import lenstream.connector.source.FileSystems;
import lenstream.connector.source.OwnedSplits;
import lenstream.connector.source.SplitListSerializer;
import lenstream.connector.source.Submission;
import lenstream.core.config.ConfigException;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SupportsSplitReassignmentOnRecovery;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Finds the images in folders and below prefixes of object stores, each a target with a {@code file}, {@code s3}, ... URL.
 * Every machine that runs a reader sees the same. What a target's mark says is compared with what is known of it, so that
 * only new and changed files are read. The stream never ends: its watermark tells when every folder
 * was read; one that {@link #following follows} reads them again and again.
 *
 * <p>Immutable; each object is a submission: a job restored under a new one reads finished folders again.
 */
public final class FolderSource
        implements Source<CrawlTarget, FolderSplit, List<FolderSplit>>,
                SupportsSplitReassignmentOnRecovery,
                Submission {
    private static final long serialVersionUID = 3;

    private final ArrayList<String> folders;
    private final @Nullable String captionsFile;
    private final @Nullable Duration interval;
    private final String run;
    private final long submittedAtMillis;

    private FolderSource(
            List<String> folders,
            @Nullable String captionsFile,
            @Nullable Duration interval,
            String run,
            long submittedAtMillis) {
        this.folders = new ArrayList<>(folders);
        this.captionsFile = captionsFile;
        this.interval = interval;
        this.run = run;
        this.submittedAtMillis = submittedAtMillis;
    }

    /** @throws ConfigException naming each that is no folder */
    public static FolderSource of(List<Path> folders) {
        return ofPlaces(folders.stream().map(Path::toString).toList());
    }

    /**
     * @param places folders of this machine, or prefixes such as {@code s3://bucket/prefix} for which Flink has a file system
     * @throws ConfigException naming each that cannot be listed
     */
    public static FolderSource ofPlaces(List<String> places) {
        var problems = new ArrayList<String>();
        var absolute = new ArrayList<String>();
        for (String place : places) {
            if (isUrl(place)) {
                try {
                    var tree = new ObjectTree(place);
                    tree.list(tree.root());
                    absolute.add(tree.root());
                } catch (IOException | RuntimeException e) {
                    problems.add(place + " cannot be listed: " + FileSystems.explain(place, e));
                }
            } else if (Files.isDirectory(Path.of(place))) {
                absolute.add(Path.of(place).toAbsolutePath().normalize().toString());
            } else {
                problems.add(place + " is no folder that can be read");
            }
        }
        if (places.isEmpty()) {
            problems.add("name at least one folder");
        }
        if (!problems.isEmpty()) {
            throw new ConfigException("folders", problems);
        }
        return new FolderSource(
                absolute.stream().distinct().toList(),
                null,
                null,
                UUID.randomUUID().toString(),
                System.currentTimeMillis());
    }

    /** Whether a place is named by a URL of an object store rather than by a path. */
    public static boolean isUrl(String place) {
        return place.contains("://") && !place.startsWith("file:");
    }

    /**
     * With captions from lines {@code file<TAB>caption}.
     *
     * @throws ConfigException if there is no such file, or naming each line that is wrong
     */
    public FolderSource withCaptions(Path tsv) {
        if (!Files.isReadable(tsv)) {
            throw new ConfigException("captions", List.of(tsv + " is no file that can be read"));
        }
        if (folders.stream().anyMatch(FolderSource::isUrl)) {
            throw new ConfigException("captions", List.of("captions belong to folders of this machine, not to URLs"));
        }
        List<String> problems = Captions.problems(tsv);
        if (!problems.isEmpty()) {
            throw new ConfigException("captions", problems);
        }
        return new FolderSource(folders, tsv.toAbsolutePath().normalize().toString(), interval, run, submittedAtMillis);
    }

    /** Round after round, with a pause of at least {@code pause} in between. */
    public FolderSource following(Duration pause) {
        return new FolderSource(folders, captionsFile, pause, run, submittedAtMillis);
    }

    /** The pause between two rounds; empty for a single one. */
    Optional<Duration> interval() {
        return Optional.ofNullable(interval);
    }

    @Nullable
    String captionsFile() {
        return captionsFile;
    }

    /** @throws IOException if it is no folder, or there is no file system for it */
    Tree tree(String folder) throws IOException {
        return isUrl(folder) ? new ObjectTree(folder) : new DiskTree(Path.of(folder));
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
    public SplitEnumerator<FolderSplit, List<FolderSplit>> createEnumerator(
            SplitEnumeratorContext<FolderSplit> context) {
        return new OwnedSplits<>(context, new InTurn(folders, run), null);
    }

    @Override
    public SplitEnumerator<FolderSplit, List<FolderSplit>> restoreEnumerator(
            SplitEnumeratorContext<FolderSplit> context, List<FolderSplit> checkpoint) {
        return new OwnedSplits<>(context, new InTurn(folders, run), checkpoint);
    }

    @Override
    public SimpleVersionedSerializer<FolderSplit> getSplitSerializer() {
        return new FolderSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<List<FolderSplit>> getEnumeratorCheckpointSerializer() {
        return SplitListSerializer.of(new FolderSplitSerializer(), FolderSplitSerializer::versionOne);
    }

    @Override
    public SourceReader<CrawlTarget, FolderSplit> createReader(SourceReaderContext context) {
        return new FolderReader(this, context);
    }

    /** The folders go to the readers in turn. */
    private record InTurn(List<String> folders, String run) implements OwnedSplits.Plan<FolderSplit> {
        @Override
        public Collection<String> ids() {
            return folders;
        }

        @Override
        public int owner(String id, int parallelism) {
            return folders.indexOf(id) % parallelism;
        }

        @Override
        public FolderSplit split(String id, @Nullable FolderSplit before) {
            return before == null ? new FolderSplit(id, run, "", false) : before.in(run);
        }
    }
}
