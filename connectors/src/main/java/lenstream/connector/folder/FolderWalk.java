package lenstream.connector.folder;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through the image files below a folder, in the order of their names, and can begin after any of them. Hidden files
 * and folders are left out; links are followed, except to a folder that the walk is in already. Holds the names of the
 * folders on the way to the current file, no more. Confined to one thread.
 */
final class FolderWalk {
    private static final Logger LOG = LoggerFactory.getLogger(FolderWalk.class);
    private static final Comparator<Path> BY_NAME =
            Comparator.comparing(path -> path.getFileName().toString());

    private record Level(Path realPath, Iterator<Path> entries) {}

    private final Path root;
    private final Path after;
    private final Deque<Level> levels = new ArrayDeque<>();

    /**
     * @param root absolute
     * @param after path of the last file that is not wanted again, relative to the root; empty to begin at the first
     * @throws IOException if the root cannot be listed
     */
    FolderWalk(Path root, String after) throws IOException {
        this.root = root;
        this.after = Path.of(after);
        if (!Files.isDirectory(root)) {
            throw new IOException(root + " is no folder");
        }
        enter(root);
    }

    /** The next image file; empty when there are no more. */
    Optional<Path> next() throws IOException {
        while (!levels.isEmpty()) {
            Iterator<Path> entries = levels.peek().entries();
            if (!entries.hasNext()) {
                levels.pop();
                continue;
            }
            Path entry = entries.next();
            if (Files.isDirectory(entry)) {
                if (compareToAfter(entry, true) >= 0) {
                    enter(entry);
                }
            } else if (compareToAfter(entry, false) > 0 && Files.isRegularFile(entry) && ImageFiles.isImage(entry)) {
                return Optional.of(entry);
            }
        }
        return Optional.empty();
    }

    /** What {@code after} has to be to go on behind this file. */
    String position(Path file) {
        return root.relativize(file).toString();
    }

    private void enter(Path folder) throws IOException {
        Path real = folder.toRealPath();
        if (levels.stream().anyMatch(level -> level.realPath().equals(real))) {
            return; // a link back up
        }
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            for (Path entry : stream) {
                if (!entry.getFileName().toString().startsWith(".")) {
                    entries.add(entry);
                }
            }
        } catch (AccessDeniedException e) {
            LOG.warn("folder={} may not be read and is left out", folder);
            return;
        }
        entries.sort(BY_NAME);
        levels.push(new Level(real, entries.iterator()));
    }

    /** Below 0: all of it lies before; for a folder, 0: the place to go on lies within. */
    private int compareToAfter(Path entry, boolean folder) {
        if (after.toString().isEmpty()) {
            return 1;
        }
        Path relative = root.relativize(entry);
        int common = Math.min(relative.getNameCount(), after.getNameCount());
        for (int i = 0; i < common; i++) {
            int order =
                    relative.getName(i).toString().compareTo(after.getName(i).toString());
            if (order != 0) {
                return order;
            }
        }
        return folder ? 0 : Integer.compare(relative.getNameCount(), after.getNameCount());
    }
}
