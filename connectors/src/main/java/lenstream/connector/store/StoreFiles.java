package lenstream.connector.store;

import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import lenstream.core.image.StoredImage;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/** The files of an image store, on any file system that Flink knows, for commands that look at them without a job. */
public final class StoreFiles {
    private final Path root;
    private final FileSystem files;

    private StoreFiles(Path root, FileSystem files) {
        this.root = root;
        this.files = files;
    }

    /** @throws IOException if no file system of Flink's takes this address */
    public static StoreFiles at(String uri) throws IOException {
        var root = new Path(uri);
        return new StoreFiles(root, root.getFileSystem());
    }

    /**
     * A file of the store.
     *
     * @param path relative to the store
     * @param finished whether it will not grow any more
     */
    public record StoreFile(String path, long bytes, long modifiedMillis, boolean finished) {}

    /** All files by name, which begins with the day. A store that was never written to has none. */
    public List<StoreFile> list() throws IOException {
        var found = new ArrayList<StoreFile>();
        walk(root, "", found);
        found.sort(Comparator.comparing(StoreFile::path));
        return found;
    }

    /**
     * Reads the images of a file until one is refused.
     *
     * @param images says whether to go on
     */
    public void read(StoreFile file, Predicate<StoredImage> images) throws IOException {
        try (var memory = new RootAllocator();
                InputStream in = new BufferedInputStream(files.open(path(file)), 1 << 16)) {
            for (StoredImage image = StoredImageFormat.read(in, memory);
                    image != null && images.test(image);
                    image = StoredImageFormat.read(in, memory)) {}
        }
    }

    Path path(StoreFile file) {
        return new Path(root, file.path());
    }

    FileSystem fileSystem() {
        return files;
    }

    private void walk(Path folder, String prefix, List<StoreFile> found) throws IOException {
        FileStatus[] entries;
        try {
            entries = files.listStatus(folder);
        } catch (FileNotFoundException e) {
            return;
        }
        if (entries == null) {
            return;
        }
        for (FileStatus entry : entries) {
            String name = entry.getPath().getName();
            if (entry.isDir()) {
                walk(entry.getPath(), prefix + name + "/", found);
            } else if (ImageStore.isFile(name)) {
                found.add(new StoreFile(
                        prefix + name, entry.getLen(), entry.getModificationTime(), ImageStore.isFinished(name)));
            }
        }
    }
}
