package lenstream.connector.folder;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.jspecify.annotations.Nullable;

/** Reads its folders one after the other, in chunks. Runs on Flink's fetcher thread, {@link #wakeUp} on any. */
final class FolderSplitReader implements SplitReader<FolderStep, FolderSplit> {
    private static final int CHUNK = 500;
    private static final long WAIT_MILLIS = 500;

    private final @Nullable String captionsFile;
    private final Deque<FolderSplit> waiting = new ArrayDeque<>();
    private final Semaphore wakeUps = new Semaphore(0);
    private @Nullable FolderSplit current;
    private @Nullable FolderWalk walk;
    private Captions captions = Captions.NONE;

    FolderSplitReader(@Nullable String captionsFile) {
        this.captionsFile = captionsFile;
    }

    @Override
    public RecordsWithSplitIds<FolderStep> fetch() throws IOException {
        var records = new RecordsBySplits.Builder<FolderStep>();
        if (walk == null && !waiting.isEmpty()) {
            begin(waiting.remove());
        }
        FolderSplit split = current;
        if (walk == null || split == null) {
            idle();
            return records.build();
        }
        for (int i = 0; i < CHUNK; i++) {
            Optional<Path> file = walk.next();
            if (file.isEmpty()) {
                records.add(split.splitId(), new FolderStep("", null));
                walk = null;
                break;
            }
            records.add(split.splitId(), new FolderStep(walk.position(file.get()), target(split, file.get())));
        }
        return records.build();
    }

    @Override
    public void handleSplitsChanges(SplitsChange<FolderSplit> change) {
        change.splits().stream().filter(split -> !split.done()).forEach(waiting::add);
    }

    @Override
    public void wakeUp() {
        wakeUps.release();
    }

    @Override
    public void close() {}

    private void begin(FolderSplit split) throws IOException {
        Path root = Path.of(split.folder());
        captions = captionsFile == null ? Captions.NONE : Captions.read(Path.of(captionsFile), root);
        walk = new FolderWalk(root, split.position());
        current = split;
    }

    private void idle() {
        try {
            if (wakeUps.tryAcquire(WAIT_MILLIS, TimeUnit.MILLISECONDS)) {
                wakeUps.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private CrawlTarget target(FolderSplit split, Path file) {
        String caption = captions.of(file).orElse(null);
        return new CrawlTarget(
                file.toUri().toString(),
                "file",
                Path.of(split.folder()).toUri().toString(),
                null,
                file.getFileName().toString(),
                caption,
                caption,
                null,
                null,
                CrawlTarget.UNKNOWN_TIME,
                System.currentTimeMillis(),
                "folder");
    }
}
