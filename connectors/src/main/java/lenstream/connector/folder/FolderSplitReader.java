package lenstream.connector.folder;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Optional;
import java.util.PriorityQueue;
import lenstream.connector.source.Pause;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads its folders one after the other, in chunks; where the source follows them, each again after its interval. A folder
 * that cannot be read is tried again, after longer and longer pauses. Runs on Flink's fetcher thread, {@link #wakeUp} on any.
 */
final class FolderSplitReader implements SplitReader<FolderStep, FolderSplit> {
    private static final Logger LOG = LoggerFactory.getLogger(FolderSplitReader.class);
    private static final int CHUNK = 500;
    private static final long WAIT_MILLIS = 500;
    private static final long SHORTEST_RETRY_MILLIS = 1_000;
    private static final long LONGEST_RETRY_MILLIS = 60_000;

    /** Attempts of a source that ends; one that follows its folders goes on trying. */
    private static final int ATTEMPTS = 5;

    /** A tree that takes long to list is listed at most for a tenth of the time. */
    private static final int ROUNDS_OF_PAUSE = 9;

    private record Due(FolderSplit split, long atMillis) {}

    private final FolderSource source;
    private final Deque<FolderSplit> waiting = new ArrayDeque<>();
    private final PriorityQueue<Due> later = new PriorityQueue<>(Comparator.comparingLong(Due::atMillis));
    private final Pause pause = new Pause();
    private @Nullable Round current;
    private int failures;

    /** A folder that is being read. */
    private static final class Round {
        private final FolderSplit split;
        private final Tree tree;
        private final FolderWalk walk;
        private final Captions captions;
        private final long beganMillis = System.currentTimeMillis();
        private String position;

        Round(FolderSplit split, FolderSource source) throws IOException {
            this.split = split;
            this.tree = source.tree(split.folder());
            this.walk = new FolderWalk(tree, split.position());
            this.position = split.position();
            String tsv = source.captionsFile();
            this.captions = tsv == null ? Captions.NONE : Captions.read(Path.of(tsv), Path.of(split.folder()));
        }
    }

    FolderSplitReader(FolderSource source) {
        this.source = source;
    }

    @Override
    public RecordsWithSplitIds<FolderStep> fetch() throws IOException {
        var records = new RecordsBySplits.Builder<FolderStep>();
        Optional<FolderSplit> next = current == null ? due() : Optional.of(current.split);
        if (next.isEmpty()) {
            pause.await(WAIT_MILLIS);
            return records.build();
        }
        FolderSplit split = next.get();
        try {
            if (current == null) {
                current = new Round(split, source);
            }
            read(current, records);
            failures = 0;
        } catch (IOException e) {
            records.add(split.splitId(), new FolderStep("", null, true));
            retry(split, e);
        }
        return records.build();
    }

    private Optional<FolderSplit> due() {
        Due first = later.peek();
        if (waiting.isEmpty() && first != null && first.atMillis() <= System.currentTimeMillis()) {
            return Optional.of(later.remove().split());
        }
        return Optional.ofNullable(waiting.poll());
    }

    private void read(Round round, RecordsBySplits.Builder<FolderStep> records) throws IOException {
        for (int i = 0; i < CHUNK; i++) {
            Optional<FolderWalk.Found> found = round.walk.next();
            if (found.isEmpty()) {
                records.add(round.split.splitId(), FolderStep.END);
                current = null;
                source.interval().ifPresent(interval -> again(round, interval));
                return;
            }
            round.position = found.get().position();
            CrawlTarget target = target(round, found.get().file());
            records.add(round.split.splitId(), new FolderStep(round.position, target, false));
        }
    }

    private void again(Round round, Duration interval) {
        long now = System.currentTimeMillis();
        long wait = Math.max(interval.toMillis(), ROUNDS_OF_PAUSE * (now - round.beganMillis));
        later.add(new Due(round.split.restarted(), now + wait));
    }

    private void retry(FolderSplit split, IOException failure) throws IOException {
        failures++;
        if (source.interval().isEmpty() && failures >= ATTEMPTS) {
            throw new IOException(
                    "cannot read " + split.folder() + ", tried " + failures + " times: " + failure.getMessage(),
                    failure);
        }
        long wait = Math.min(LONGEST_RETRY_MILLIS, SHORTEST_RETRY_MILLIS << Math.min(failures - 1, 6));
        LOG.warn("folder={} cannot be read, next try in millis={}: {}", split.folder(), wait, failure.getMessage());
        String reached = current == null ? split.position() : current.position;
        current = null;
        later.add(new Due(split.at(reached), System.currentTimeMillis() + wait));
    }

    @Override
    public void handleSplitsChanges(SplitsChange<FolderSplit> change) {
        for (FolderSplit split : change.splits()) {
            if (!split.done()) {
                waiting.add(split);
            } else if (source.interval().isPresent()) {
                waiting.add(split.restarted());
            }
        }
    }

    @Override
    public void wakeUp() {
        pause.wakeUp();
    }

    @Override
    public void close() {}

    private static CrawlTarget target(Round round, Tree.Entry file) {
        String caption = round.captions == Captions.NONE
                ? null
                : round.captions.of(Path.of(URI.create(file.url()))).orElse(null);
        return new CrawlTarget(
                file.url(),
                round.tree.host(),
                round.tree.root(),
                null,
                file.name(),
                caption,
                caption,
                null,
                null,
                round.tree.publishedAtMillis(file),
                System.currentTimeMillis(),
                "folder",
                round.tree.mark(file));
    }
}
