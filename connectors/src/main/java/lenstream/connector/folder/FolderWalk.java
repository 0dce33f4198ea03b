package lenstream.connector.folder;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * Goes through the image files of a tree, in the order of their names, and can begin after any of them. Hidden files and
 * folders are left out; links are followed, except to a folder that the walk is in already. Holds what lies in the folders
 * on the way to the current file, no more. Confined to one thread.
 */
final class FolderWalk {
    private static final String SEPARATOR = "/";

    /**
     * A file that was found.
     *
     * @param position what {@code after} has to be to go on behind it
     */
    record Found(String position, Tree.Entry file) {}

    private record Level(String identity, String prefix, Iterator<Tree.Entry> entries) {}

    private final Tree tree;
    private final String[] after;
    private final Deque<Level> levels = new ArrayDeque<>();

    /**
     * @param after path of the last file that is not wanted again, relative to the root; empty to begin at the first
     * @throws IOException if the root cannot be listed
     */
    FolderWalk(Tree tree, String after) throws IOException {
        this.tree = tree;
        this.after = after.isEmpty() ? new String[0] : after.split(SEPARATOR, -1);
        enter(tree.root(), "");
    }

    /** The next image file; empty when there are no more. */
    Optional<Found> next() throws IOException {
        while (!levels.isEmpty()) {
            Level level = levels.peek();
            if (!level.entries().hasNext()) {
                levels.pop();
                continue;
            }
            Tree.Entry entry = level.entries().next();
            String position = level.prefix() + entry.name();
            if (entry.isFolder()) {
                if (compareToAfter(position, true) >= 0) {
                    enter(entry.url(), position + SEPARATOR);
                }
            } else if (compareToAfter(position, false) > 0 && tree.isImage(entry)) {
                return Optional.of(new Found(position, entry));
            }
        }
        return Optional.empty();
    }

    private void enter(String folderUrl, String prefix) throws IOException {
        String identity = tree.identity(folderUrl);
        if (levels.stream().anyMatch(level -> level.identity().equals(identity))) {
            return; // a link back up
        }
        List<Tree.Entry> entries = tree.list(folderUrl).stream()
                .filter(entry -> !entry.name().startsWith("."))
                .sorted(Comparator.comparing(Tree.Entry::name).thenComparing(Tree.Entry::isFolder))
                .toList();
        levels.push(new Level(identity, prefix, entries.iterator()));
    }

    /** Below 0: all of it lies before; for a folder, 0: the place to go on lies within. */
    private int compareToAfter(String position, boolean folder) {
        if (after.length == 0) {
            return 1;
        }
        String[] names = position.split(SEPARATOR, -1);
        int common = Math.min(names.length, after.length);
        for (int i = 0; i < common; i++) {
            int order = names[i].compareTo(after[i]);
            if (order != 0) {
                return order;
            }
        }
        return folder ? 0 : Integer.compare(names.length, after.length);
    }
}
