package lenstream.connector.warc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import lenstream.connector.fetch.StoredFile;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebConfig;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;

/**
 * The archives that people name: a file, a folder with all below it, a pattern of files, a prefix of an object store, a URL of
 * the web, or a list of any of these, one a line (such as Common Crawl's {@code warc.paths.gz}). Blocks; thread-safe.
 */
final class ArchivePlaces {
    private static final List<String> ENDINGS = List.of(".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz");
    private static final List<String> LISTS = List.of(".paths", ".paths.gz", ".txt", ".txt.gz", ".list");
    /** A list of a million archives is shorter. */
    private static final int MOST = 5_000_000;

    private final WebConfig web;

    ArchivePlaces(WebConfig web) {
        this.web = web;
    }

    static boolean isArchive(String name) {
        return endsWith(name, ENDINGS);
    }

    static boolean isList(String name) {
        return endsWith(name, LISTS);
    }

    private static boolean endsWith(String name, List<String> endings) {
        String lower = name.toLowerCase(Locale.ROOT);
        return endings.stream().anyMatch(lower::endsWith);
    }

    /** What cannot be meant, or what to write instead; empty if the place can be listed. */
    static String problem(String place) {
        if (ArchiveFile.isOnTheWeb(place)) {
            if (place.contains("*")) {
                return place + ": a web server cannot be asked which files match; name a list, such as a warc.paths.gz";
            }
            return isArchive(place) || isList(place)
                    ? ""
                    : place + " is named neither like an archive (.warc.gz) nor like a list (.paths.gz, .txt)";
        }
        if (place.contains("://") || place.contains("*") || place.contains("?")) {
            return "";
        }
        return Files.exists(Path.of(place))
                ? ""
                : place + " is not there; name an archive, a folder of them, or a list";
    }

    /** @throws IOException naming the place that cannot be listed */
    List<ArchiveSplit> list(List<String> places) throws IOException {
        var found = new ArrayList<ArchiveSplit>();
        try (WebClient client = WebClient.open(web)) {
            for (String place : places) {
                try {
                    list(place, found, client);
                } catch (IOException | RuntimeException e) {
                    throw new IOException(
                            place + " cannot be listed: " + lenstream.connector.source.FileSystems.explain(place, e),
                            e);
                }
            }
        }
        return found;
    }

    private void list(String place, List<ArchiveSplit> found, WebClient client) throws IOException {
        if (isList(place)) {
            String url = place.contains("://")
                    ? place
                    : Path.of(place).toAbsolutePath().toUri().toString();
            try (InputStream in = ArchiveFile.open(url, 0, client)) {
                lines(url, in, found);
            }
        } else if (ArchiveFile.isOnTheWeb(place)) {
            add(new ArchiveSplit(canonical(place), "", Archive.NOWHERE), found);
        } else if (place.contains("://") && !place.startsWith("file:")) {
            objects(new org.apache.flink.core.fs.Path(place), found);
        } else {
            files(place.startsWith("file:") ? Path.of(URI.create(place)) : Path.of(place), found);
        }
    }

    private static String canonical(String url) throws IOException {
        return CanonicalUrl.of(url)
                .map(CanonicalUrl::value)
                .orElseThrow(() -> new IOException(url + " is no URL that can be fetched"));
    }

    private void lines(String listUrl, InputStream in, List<ArchiveSplit> found) throws IOException {
        InputStream plain = listUrl.endsWith(".gz") ? new GZIPInputStream(in) : in;
        var reader = new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8));
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            String name = line.strip();
            if (!name.isEmpty() && !name.startsWith("#")) {
                add(new ArchiveSplit(beside(listUrl, name), "", Archive.NOWHERE), found);
            }
        }
    }

    /** A list on the web names paths from the root of its server, as Common Crawl's do; any other from its own folder. */
    private static String beside(String listUrl, String name) throws IOException {
        if (name.contains("://")) {
            return ArchiveFile.isOnTheWeb(name) ? canonical(name) : name;
        }
        if (ArchiveFile.isOnTheWeb(listUrl)) {
            return canonical(
                    URI.create(listUrl).resolve("/").toString() + (name.startsWith("/") ? name.substring(1) : name));
        }
        if (listUrl.startsWith("file:")) {
            return Path.of(URI.create(listUrl))
                    .resolveSibling(name)
                    .normalize()
                    .toUri()
                    .toString();
        }
        return listUrl.substring(0, listUrl.lastIndexOf('/') + 1) + name;
    }

    private static void objects(org.apache.flink.core.fs.Path place, List<ArchiveSplit> found) throws IOException {
        FileSystem files = place.getFileSystem();
        if (isArchive(place.getName())) {
            add(split(files.getFileStatus(place)), found);
            return;
        }
        FileStatus[] listed = files.listStatus(place);
        for (FileStatus status : listed == null ? new FileStatus[0] : listed) {
            if (status.isDir()) {
                objects(status.getPath(), found);
            } else if (isArchive(status.getPath().getName())) {
                add(split(status), found);
            }
        }
    }

    private static ArchiveSplit split(FileStatus status) {
        String url = status.getPath().toUri().toString();
        return new ArchiveSplit(
                url, StoredFile.mark(url, status.getLen(), status.getModificationTime()), Archive.NOWHERE);
    }

    private static void files(Path place, List<ArchiveSplit> found) throws IOException {
        String name = place.toString();
        if (name.contains("*") || name.contains("?")) {
            Path root = fixedPart(place.toAbsolutePath());
            PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + place.toAbsolutePath());
            walk(root, matcher, found);
        } else if (Files.isDirectory(place)) {
            walk(place.toAbsolutePath(), file -> isArchive(file.toString()), found);
        } else {
            add(split(place.toAbsolutePath()), found);
        }
    }

    /** The folder before the first part with a wildcard. */
    private static Path fixedPart(Path pattern) {
        Path fixed = pattern.getRoot();
        for (Path part : pattern) {
            if (part.toString().contains("*") || part.toString().contains("?")) {
                break;
            }
            fixed = fixed.resolve(part);
        }
        return fixed;
    }

    private static void walk(Path root, PathMatcher matcher, List<ArchiveSplit> found) throws IOException {
        List<Path> files;
        try (var all = Files.walk(root)) {
            files = all.filter(Files::isRegularFile)
                    .filter(matcher::matches)
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        }
        for (Path file : files) {
            add(split(file), found);
        }
    }

    private static ArchiveSplit split(Path file) throws IOException {
        String url = file.normalize().toUri().toString();
        return new ArchiveSplit(
                url,
                StoredFile.mark(
                        url, Files.size(file), Files.getLastModifiedTime(file).toMillis()),
                Archive.NOWHERE);
    }

    private static void add(ArchiveSplit split, List<ArchiveSplit> found) throws IOException {
        if (found.size() == MOST) {
            throw new IOException("more than " + MOST + " archives; name fewer at once");
        }
        found.add(split);
    }
}
