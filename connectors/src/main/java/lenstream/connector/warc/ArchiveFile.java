package lenstream.connector.warc;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.FileNotFoundException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import lenstream.connector.source.FileSystems;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.Path;

/** An archive or a list of archives as a stream, wherever it lies: on the web, on a disk, in an object store. */
final class ArchiveFile {
    private ArchiveFile() {}

    static boolean isOnTheWeb(String url) {
        return url.startsWith("http://") || url.startsWith("https://");
    }

    /**
     * The bytes from an offset on. What goes wrong on the way and may pass is an {@link ArchiveUnavailableException}.
     *
     * @param client for URLs of the web, which it borrows
     */
    @MustBeClosed
    static InputStream open(String url, long offset, WebClient client) throws IOException {
        if (isOnTheWeb(url)) {
            CanonicalUrl web = CanonicalUrl.of(url)
                    .orElseThrow(() -> new ArchiveUnavailableException(url + " is no URL that can be fetched"));
            return new RangeStream(client, web, offset);
        }
        try {
            var path = new Path(URI.create(url));
            FSDataInputStream in = path.getFileSystem().open(path);
            try {
                in.seek(offset);
            } catch (IOException | RuntimeException e) {
                in.close();
                throw e;
            }
            return new Watched(in, url);
        } catch (FileNotFoundException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // a store's client has its own exceptions
            throw unavailable(url, e);
        }
    }

    private static ArchiveUnavailableException unavailable(String url, Exception failure) {
        return new ArchiveUnavailableException(url + " cannot be read: " + FileSystems.explain(url, failure), failure);
    }

    /** Tells a failure to read from a fault of what is read. */
    private static final class Watched extends FilterInputStream {
        private final String url;

        Watched(InputStream in, String url) {
            super(in);
            this.url = url;
        }

        @Override
        public int read() throws IOException {
            try {
                return super.read();
            } catch (IOException | RuntimeException e) {
                throw unavailable(url, e);
            }
        }

        @Override
        public int read(byte[] to, int from, int length) throws IOException {
            try {
                return super.read(to, from, length);
            } catch (IOException | RuntimeException e) {
                throw unavailable(url, e);
            }
        }
    }
}
