package lenstream.connector.folder;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
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
 * Finds the images in folders, each a target with a {@code file} URL. Every machine that runs a reader sees the same
 * folders. The stream never ends: the gauge {@code lenstream_sites_dry} tells when every folder was read. Immutable; each
 * object is a submission: a job restored under a new one reads finished folders again.
 */
public final class FolderSource
        implements Source<CrawlTarget, FolderSplit, FolderCheckpoint>, SupportsSplitReassignmentOnRecovery {
    private static final long serialVersionUID = 1;

    private final ArrayList<String> folders;
    private final @Nullable String captionsFile;
    private final String run;

    private FolderSource(List<String> folders, @Nullable String captionsFile, String run) {
        this.folders = new ArrayList<>(folders);
        this.captionsFile = captionsFile;
        this.run = run;
    }

    /** @throws ConfigException naming each that is no folder */
    public static FolderSource of(List<Path> folders) {
        List<String> problems = folders.stream()
                .filter(folder -> !Files.isDirectory(folder))
                .map(folder -> folder + " is no folder that can be read")
                .toList();
        if (folders.isEmpty()) {
            problems = List.of("name at least one folder");
        }
        if (!problems.isEmpty()) {
            throw new ConfigException("folders", problems);
        }
        List<String> absolute = folders.stream()
                .map(folder -> folder.toAbsolutePath().normalize().toString())
                .distinct()
                .toList();
        return new FolderSource(absolute, null, UUID.randomUUID().toString());
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
        List<String> problems = Captions.problems(tsv);
        if (!problems.isEmpty()) {
            throw new ConfigException("captions", problems);
        }
        return new FolderSource(folders, tsv.toAbsolutePath().normalize().toString(), run);
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SplitEnumerator<FolderSplit, FolderCheckpoint> createEnumerator(
            SplitEnumeratorContext<FolderSplit> context) {
        return new FolderEnumerator(context, folders, run, null);
    }

    @Override
    public SplitEnumerator<FolderSplit, FolderCheckpoint> restoreEnumerator(
            SplitEnumeratorContext<FolderSplit> context, FolderCheckpoint checkpoint) {
        return new FolderEnumerator(context, folders, run, checkpoint);
    }

    @Override
    public SimpleVersionedSerializer<FolderSplit> getSplitSerializer() {
        return FolderSplitSerializer.one();
    }

    @Override
    public SimpleVersionedSerializer<FolderCheckpoint> getEnumeratorCheckpointSerializer() {
        return FolderSplitSerializer.many();
    }

    @Override
    public SourceReader<CrawlTarget, FolderSplit> createReader(SourceReaderContext context) {
        return new FolderReader(captionsFile, context);
    }
}
