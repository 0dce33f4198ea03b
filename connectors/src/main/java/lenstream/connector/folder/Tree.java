package lenstream.connector.folder;

import java.io.IOException;
import java.util.List;

/** Files in folders, on a disk or in an object store, as a walk sees them. Confined to one thread. */
interface Tree {
    /**
     * A file or a folder.
     *
     * @param name in its folder
     * @param url that the tree knows it by
     * @param size in bytes; of a folder 0
     * @param modifiedMillis when it was changed last, epoch ms; of a folder 0
     */
    record Entry(String name, String url, boolean isFolder, long size, long modifiedMillis) {}

    /** The folder where it begins. */
    String root();

    /** What lies in a folder, in any order; empty if it may not be read. */
    List<Entry> list(String folderUrl) throws IOException;

    /** The URL of a file, there or not, that lies at that place below the root. */
    String url(String position);

    /** Tells a folder from another that a link leads to. */
    String identity(String folderUrl) throws IOException;

    /** Whether a file is worth a visit. */
    boolean isImage(Entry file);

    /** When its files were put there, if that says when they were published. */
    long publishedAtMillis(Entry file);

    /** The key under which visits of its files wait. */
    String host();

    /** What a visit will find as long as the file stays as it is. */
    String mark(Entry file);
}
