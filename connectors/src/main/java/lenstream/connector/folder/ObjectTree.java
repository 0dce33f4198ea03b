package lenstream.connector.folder;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import lenstream.connector.fetch.StoredFile;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/**
 * Objects below a prefix, through one of Flink's file systems. One request a folder and page of it; the file system gathers
 * the pages of a folder, some 300 bytes an object.
 */
final class ObjectTree implements Tree {
    private final Path root;
    private final FileSystem files;

    /** @throws IOException if no file system can be had for the prefix */
    ObjectTree(String root) throws IOException {
        this.root = new Path(root);
        this.files = this.root.getFileSystem();
    }

    @Override
    public String root() {
        return root.toUri().toString();
    }

    @Override
    public List<Entry> list(String folderUrl) throws IOException {
        var path = new Path(URI.create(folderUrl));
        var entries = new ArrayList<Entry>();
        FileStatus[] found;
        try {
            found = files.listStatus(path);
        } catch (FileNotFoundException e) {
            return List.of(); // a prefix is there as long as an object begins with it
        } catch (RuntimeException e) {
            throw new IOException(e.getMessage(), e); // a store's client has its own exceptions
        }
        for (FileStatus status : found == null ? new FileStatus[0] : found) {
            Path at = status.getPath();
            if (!at.equals(path)) { // the empty object that some programs make for a folder
                String url = at.toUri().toString();
                entries.add(
                        status.isDir()
                                ? new Entry(at.getName(), url, true, 0, 0)
                                : new Entry(at.getName(), url, false, status.getLen(), status.getModificationTime()));
            }
        }
        return entries;
    }

    @Override
    public String url(String position) {
        URI prefix = root.toUri();
        try {
            String path = prefix.getPath() + '/' + position;
            return new URI(prefix.getScheme(), prefix.getAuthority(), path, null, null).toString();
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(position, e);
        }
    }

    @Override
    public String identity(String folderUrl) {
        return folderUrl; // there are no links
    }

    /** By the name alone, as a look inside is a request; a name without an ending may be anything and is visited. */
    @Override
    public boolean isImage(Entry file) {
        return ImageFiles.isNamedLikeAnImage(file.name()) || file.name().indexOf('.') < 0;
    }

    @Override
    public long publishedAtMillis(Entry file) {
        return file.modifiedMillis();
    }

    /** Scheme and bucket. */
    @Override
    public String host() {
        return StoredFile.host(root());
    }

    @Override
    public String mark(Entry file) {
        return StoredFile.mark(file.url(), file.size(), file.modifiedMillis());
    }
}
