package lenstream.connector.warc;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lenstream.connector.source.SplitsAssigned;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.util.FlinkRuntimeException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists the archives and gives each reader the next one when it asks. What was given out once is never given out again, by
 * any later run either; where the source follows its places it lists them again and again. The names wait in the heap; a
 * checkpoint holds a number an archive.
 *
 * <p>Methods run on the coordinator's thread; the places are listed on a worker's.
 */
final class ArchiveEnumerator implements SplitEnumerator<ArchiveSplit, ArchiveCheckpoint> {
    private static final Logger LOG = LoggerFactory.getLogger(ArchiveEnumerator.class);

    /** Lists the archives; blocks. */
    interface Listing {
        List<ArchiveSplit> list() throws IOException;
    }

    private final SplitEnumeratorContext<ArchiveSplit> context;
    private final Listing listing;
    private final @Nullable Duration interval;
    private final String what;
    private final Set<Long> taken = new LinkedHashSet<>();
    private final ArrayDeque<ArchiveSplit> returned = new ArrayDeque<>();
    private final ArrayDeque<ArchiveSplit> waiting = new ArrayDeque<>();
    private final Set<Integer> idle = new LinkedHashSet<>();
    private boolean listed;

    /**
     * @param interval between two listings; null for one
     * @param what how archives are read: what was read otherwise is read again
     * @param checkpoint null for a fresh start
     */
    ArchiveEnumerator(
            SplitEnumeratorContext<ArchiveSplit> context,
            Listing listing,
            @Nullable Duration interval,
            String what,
            @Nullable ArchiveCheckpoint checkpoint) {
        this.context = context;
        this.listing = listing;
        this.interval = interval;
        this.what = what;
        if (checkpoint != null) {
            for (long key : checkpoint.taken()) {
                taken.add(key);
            }
            returned.addAll(checkpoint.returned());
        }
    }

    @Override
    public void start() {
        if (interval == null) {
            context.callAsync(listing::list, this::listed);
        } else {
            context.callAsync(listing::list, this::listed, 0, interval.toMillis());
        }
    }

    private void listed(@Nullable List<ArchiveSplit> found, @Nullable Throwable failure) {
        if (found == null) {
            if (interval == null || !listed) {
                throw new FlinkRuntimeException("cannot list the archives", failure);
            }
            LOG.warn("archives cannot be listed, they are tried again: {}", String.valueOf(failure));
            return;
        }
        Set<Long> queued = new HashSet<>();
        waiting.forEach(split -> queued.add(key(split)));
        int before = waiting.size();
        for (ArchiveSplit split : found) {
            long key = key(split);
            if (!taken.contains(key) && queued.add(key)) {
                waiting.add(split);
            }
        }
        if (!listed || waiting.size() > before) {
            LOG.info("event=archives_listed archives={} new={}", found.size(), waiting.size() - before);
        }
        listed = true;
        for (int reader : new ArrayList<>(idle)) {
            give(reader);
        }
    }

    private long key(ArchiveSplit split) {
        return ArchiveKeys.of(split.splitId() + what);
    }

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        give(subtask);
    }

    private void give(int subtask) {
        if (!context.registeredReaders().containsKey(subtask)) {
            idle.remove(subtask);
            return;
        }
        Optional<ArchiveSplit> next =
                Optional.ofNullable(returned.poll()).or(() -> Optional.ofNullable(waiting.poll()));
        if (next.isPresent()) {
            idle.remove(subtask);
            taken.add(key(next.get()));
            context.assignSplit(next.get(), subtask);
            return;
        }
        idle.add(subtask);
        if (listed) {
            context.sendEventToSourceReader(subtask, new SplitsAssigned());
        }
    }

    @Override
    public void addSplitsBack(List<ArchiveSplit> splits, int subtask) {
        returned.addAll(splits);
        for (int reader : new ArrayList<>(idle)) {
            give(reader);
        }
    }

    @Override
    public void addReader(int subtask) {
        // it asks when it has nothing to read
    }

    @Override
    public ArchiveCheckpoint snapshotState(long checkpointId) {
        return new ArchiveCheckpoint(taken.stream().mapToLong(Long::longValue).toArray(), new ArrayList<>(returned));
    }

    @Override
    public void close() {}
}
