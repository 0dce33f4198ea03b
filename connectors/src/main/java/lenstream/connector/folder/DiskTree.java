package lenstream.connector.folder;

import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import lenstream.connector.fetch.StoredFile;
import lenstream.core.image.CrawlTarget;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A folder on a disk. Links are followed; a link to nowhere is nothing. */
final class DiskTree implements Tree {
    private static final Logger LOG = LoggerFactory.getLogger(DiskTree.class);

    private final Path root;

    /** @throws IOException if it is no folder */
    DiskTree(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            throw new IOException(root + " is no folder");
        }
        this.root = root;
    }

    @Override
    public String root() {
        return root.toUri().toString();
    }

    @Override
    public List<Entry> list(String folderUrl) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(path(folderUrl))) {
            for (Path path : stream) {
                add(path, entries);
            }
        } catch (AccessDeniedException e) {
            LOG.warn("folder={} may not be read and is left out", folderUrl);
        }
        return entries;
    }

    private static void add(Path path, List<Entry> entries) throws IOException {
        String name = path.getFileName().toString();
        try {
            var attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (attributes.isDirectory()) {
                entries.add(new Entry(name, path.toUri().toString(), true, 0, 0));
            } else if (attributes.isRegularFile()) {
                long modified = attributes.lastModifiedTime().toMillis();
                entries.add(new Entry(name, path.toUri().toString(), false, attributes.size(), modified));
            }
        } catch (NoSuchFileException | AccessDeniedException e) {
            LOG.debug("file={} is left out", path, e); // a link to nowhere, or gone since
        }
    }

    @Override
    public String url(String position) {
        String url = root.resolve(position).toUri().toString();
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url; // a folder lies there now
    }

    @Override
    public String identity(String folderUrl) throws IOException {
        return path(folderUrl).toRealPath().toString();
    }

    @Override
    public boolean isImage(Entry file) {
        return ImageFiles.isImage(path(file.url()));
    }

    /** Not known: copying a file keeps or renews the time of its last change, as the program likes. */
    @Override
    public long publishedAtMillis(Entry file) {
        return CrawlTarget.UNKNOWN_TIME;
    }

    @Override
    public String host() {
        return "file";
    }

    @Override
    public String mark(Entry file) {
        return StoredFile.mark(file.url(), file.size(), file.modifiedMillis());
    }

    private static Path path(String url) {
        return Path.of(URI.create(url));
    }
}
