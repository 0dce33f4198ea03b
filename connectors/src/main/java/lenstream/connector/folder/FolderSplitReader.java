package lenstream.connector.folder;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
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
 * Reads its folders one after the other, in chunks; where the source follows them, each again after its interval, and what
 * a look no longer finds that the one before did is a target too, so that its visit tells whether it is gone. The first look
 * after a start has none before it. A folder that has lost all of its files at once is more likely one that is not mounted: it
 * is told in the log, and its images are left to their own re-visits. A folder that cannot be read is tried again, after
 * longer and longer pauses. Runs on Flink's fetcher thread, {@link #wakeUp} on any.
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
    private final Map<String, Listing> listings = new HashMap<>();
    private final Set<String> emptied = new HashSet<>();
    private final Pause pause = new Pause();
    private @Nullable Round current;
    private int failures;

    /** A folder that is being read. */
    private static final class Round {
        private final FolderSplit split;
        private final Tree tree;
        private final FolderWalk walk;
        private final Captions captions;
        /** Null if this look begins behind the first file, or is the only one. */
        private final @Nullable MissingFiles missing;

        private final long beganMillis = System.currentTimeMillis();
        private FolderWalk.@Nullable Found upcoming;
        private String position;

        Round(FolderSplit split, FolderSource source, Listing before) throws IOException {
            this.split = split;
            this.tree = source.tree(split.folder());
            this.walk = new FolderWalk(tree, split.position());
            this.position = split.position();
            boolean compares = source.interval().isPresent() && split.position().isEmpty();
            this.missing = compares ? new MissingFiles(before) : null;
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
                current = new Round(split, source, listings.getOrDefault(split.folder(), new Listing()));
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
            if (round.upcoming == null) {
                round.upcoming = round.walk.next().orElse(null);
            }
            FolderWalk.Found found = round.upcoming;
            if (found == null && lostAll(round)) {
                records.add(round.split.splitId(), FolderStep.END);
                current = null;
                again(round, source.interval().orElseThrow());
                return;
            }
            String gone = round.missing == null ? null : round.missing.before(found == null ? null : found.position());
            if (gone != null) {
                records.add(round.split.splitId(), new FolderStep(round.position, missing(round, gone), false));
                continue;
            }
            if (found == null) {
                end(round, records);
                return;
            }
            round.upcoming = null;
            round.position = found.position();
            if (round.missing != null) {
                round.missing.found(found.position());
            }
            records.add(round.split.splitId(), new FolderStep(round.position, target(round, found.file()), false));
        }
    }

    private boolean lostAll(Round round) {
        String folder = round.split.folder();
        if (round.missing == null || !round.position.isEmpty() || round.missing.nothingBefore()) {
            emptied.remove(folder);
            return false;
        }
        if (emptied.add(folder)) {
            LOG.warn(
                    "folder={} holds no file any more. Is it mounted? If it was emptied on purpose, its images go with their"
                            + " next re-visits, or at once by a take-down of its prefix",
                    folder);
        }
        return true;
    }

    private void end(Round round, RecordsBySplits.Builder<FolderStep> records) {
        records.add(round.split.splitId(), FolderStep.END);
        current = null;
        if (round.missing != null) {
            listings.put(round.split.folder(), round.missing.listing());
        }
        source.interval().ifPresent(interval -> again(round, interval));
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
        return target(round, file.url(), file.name(), round.tree.publishedAtMillis(file), round.tree.mark(file));
    }

    /** A file that is there no more has no mark that could spare it the visit. */
    private static CrawlTarget missing(Round round, String position) {
        String name = position.substring(position.lastIndexOf('/') + 1);
        return target(round, round.tree.url(position), name, CrawlTarget.UNKNOWN_TIME, null);
    }

    private static CrawlTarget target(
            Round round, String url, String name, long publishedAtMillis, @Nullable String mark) {
        String caption = round.captions == Captions.NONE
                ? null
                : round.captions.of(Path.of(URI.create(url))).orElse(null);
        return new CrawlTarget(
                url,
                round.tree.host(),
                round.tree.root(),
                null,
                name,
                caption,
                caption,
                null,
                null,
                publishedAtMillis,
                System.currentTimeMillis(),
                "folder",
                mark);
    }
}
