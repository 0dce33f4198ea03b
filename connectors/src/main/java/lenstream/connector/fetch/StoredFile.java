package lenstream.connector.fetch;

import java.net.URI;

/** What is common to looking for files and to reading them, on a disk or in an object store. */
public final class StoredFile {
    private static final String DISK = "file";

    private StoredFile() {}

    /** Whether a URL names a file rather than something on the web. */
    static boolean isFile(String url) {
        return !url.startsWith("http:") && !url.startsWith("https:");
    }

    /** Whether a host is that of files, which need no politeness. */
    static boolean isHost(String host) {
        return host.equals(DISK) || host.contains("://");
    }

    static boolean isOnDisk(String url) {
        return url.startsWith(DISK + ":");
    }

    /** The key under which visits of an object store's files wait: scheme and bucket. */
    public static String host(String url) {
        URI uri = URI.create(url);
        return uri.getScheme() + "://" + uri.getAuthority();
    }

    /**
     * Stays the same as long as a file does: its size and when it was changed last. Of an object in whole seconds, because
     * some stores tell more of it in a list than of the object itself.
     *
     * @param modifiedMillis epoch ms
     */
    public static String mark(String url, long size, long modifiedMillis) {
        return size + "-" + (isOnDisk(url) ? modifiedMillis : modifiedMillis / 1_000);
    }
}
