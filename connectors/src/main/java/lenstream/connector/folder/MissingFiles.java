package lenstream.connector.folder;

import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Compares a complete look at a tree with the one before: which files are there no more. Each is told in the two looks that
 * miss it first, since an image is gone once two visits have not found it. Confined to one thread.
 */
final class MissingFiles {
    private static final String SEPARATOR = "/";

    /** As {@link FolderWalk} goes: name by name, and a file before a folder of its name. */
    private static final Comparator<String> WALK = (one, other) -> {
        String[] names = one.split(SEPARATOR, -1);
        String[] others = other.split(SEPARATOR, -1);
        for (int i = 0; i < Math.min(names.length, others.length); i++) {
            int order = names[i].compareTo(others[i]);
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(names.length, others.length);
    };

    private final Listing now = new Listing();
    private final Listing.Cursor before;
    private Listing.@Nullable File upcoming;

    private final boolean nothingBefore;

    MissingFiles(Listing before) {
        this.nothingBefore = before.size() == 0;
        this.before = before.read();
        this.upcoming = this.before.next();
    }

    /**
     * The next file of the earlier look that is not there any more.
     *
     * @param found the file that the look is at; null at its end
     * @return null if there is none before that file
     */
    @Nullable
    String before(@Nullable String found) {
        while (upcoming != null) {
            int order = found == null ? -1 : WALK.compare(upcoming.position(), found);
            if (order > 0) {
                return null;
            }
            Listing.File file = upcoming;
            upcoming = before.next();
            if (order < 0) {
                if (!file.missed()) {
                    now.add(file.position(), true);
                }
                return file.position();
            }
        }
        return null;
    }

    /** Whether the earlier look had no file at all. */
    boolean nothingBefore() {
        return nothingBefore;
    }

    /** A file is there. */
    void found(String position) {
        now.add(position, false);
    }

    /** For the next look. */
    Listing listing() {
        return now;
    }
}
