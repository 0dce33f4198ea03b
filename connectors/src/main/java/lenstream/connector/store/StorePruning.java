package lenstream.connector.store;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import lenstream.core.image.StoredImage;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.MultiGet;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/**
 * Removes from the store what the index no longer shows: superseded, removed and taken-down images, rejected ones, and rows
 * that a restart wrote twice. One rule for all of them: a row stays if the document of its id has its hash. Files in
 * progress, and rows of the last hour, whose documents may be under way, are left alone.
 *
 * <p>A file is written anew beside the old one, which then goes: a crash between leaves rows twice, which the next pruning
 * removes. Not to run while a move to another encoder reads the store. Confined to one thread.
 */
public final class StorePruning {
    private static final int CHUNK = 500;
    private static final long GRACE_MILLIS = 3_600_000;

    private final StoreFiles files;
    private final IndexClient client;
    private final String index;
    private final Set<String> seen = new HashSet<>();
    private long rows;
    private long dropped;
    private long freed;

    /**
     * What was done.
     *
     * @param rows looked at
     * @param dropped of these
     * @param freedBytes of the store
     */
    public record Result(long rows, long dropped, long freedBytes) {}

    /** @param index name or alias of the index that decides */
    public StorePruning(StoreFiles files, IndexClient client, String index) {
        this.files = files;
        this.client = client;
        this.index = index;
    }

    /** @param progress gets the rows looked at so far */
    public Result run(LongConsumer progress) throws IOException {
        long now = System.currentTimeMillis();
        for (StoreFiles.StoreFile file : files.list()) {
            if (file.finished()) {
                prune(file, now);
                progress.accept(rows);
            }
        }
        return new Result(rows, dropped, freed);
    }

    private void prune(StoreFiles.StoreFile file, long now) throws IOException {
        var kept = new ArrayList<Boolean>();
        var chunk = new ArrayList<Key>(CHUNK);
        files.read(file, image -> {
            chunk.add(new Key(image.id(), image.sha256(), image.version()));
            if (chunk.size() == CHUNK) {
                decide(chunk, kept, now);
            }
            return true;
        });
        decide(chunk, kept, now);
        rows += kept.size();
        if (kept.contains(false)) {
            rewrite(file, kept);
        }
    }

    private record Key(String id, String sha256, long version) {}

    private void decide(List<Key> chunk, List<Boolean> kept, long now) {
        Map<String, MultiGet.Found> shown = MultiGet.of(
                client, index, chunk.stream().map(Key::id).distinct().toList(), List.of(Field.SHA256));
        for (Key key : chunk) {
            MultiGet.Found document = shown.get(key.id());
            boolean young = key.version() > now - GRACE_MILLIS;
            boolean current = document != null
                    && document.source().path(Field.SHA256).asText().equals(key.sha256());
            kept.add((young || current) && seen.add(key.id() + key.sha256()));
        }
        chunk.clear();
    }

    private void rewrite(StoreFiles.StoreFile file, List<Boolean> kept) throws IOException {
        FileSystem system = files.fileSystem();
        Path old = files.path(file);
        if (kept.contains(true)) {
            String name = old.getName();
            Path next = new Path(
                    old.getParent(),
                    name.substring(0, name.length() - ImageStore.SUFFIX.length()) + "-p" + ImageStore.SUFFIX);
            var row = new int[1];
            try (var memory = new RootAllocator();
                    OutputStream out =
                            new BufferedOutputStream(system.create(next, FileSystem.WriteMode.NO_OVERWRITE))) {
                files.read(file, image -> {
                    if (kept.get(row[0]++)) {
                        write(image, out, memory);
                    }
                    return row[0] < kept.size();
                });
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            freed -= system.getFileStatus(next).getLen();
        }
        system.delete(old, false);
        freed += file.bytes();
        dropped += kept.stream().filter(keep -> !keep).count();
    }

    private static void write(StoredImage image, OutputStream out, BufferAllocator memory) {
        try {
            out.write(StoredImageFormat.write(image, memory));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
