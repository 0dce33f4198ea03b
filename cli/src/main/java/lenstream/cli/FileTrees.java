package lenstream.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Folders with all that lies below them. */
final class FileTrees {
    private FileTrees() {}

    /** Copies a folder. A file that is removed meanwhile is left out: its owner no longer needed it. */
    static void copy(Path from, Path to) throws IOException {
        for (Path source : list(from)) {
            Path target = to.resolve(from.relativize(source).toString());
            try {
                if (Files.isDirectory(source)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
                }
            } catch (NoSuchFileException e) {
                if (Files.exists(source)) {
                    throw e;
                }
            }
        }
    }

    /** Lets every user of the machine read a folder: OpenSearch runs as another one. */
    static void makeReadable(Path folder) throws IOException {
        for (Path path : list(folder)) {
            Files.setPosixFilePermissions(
                    path, PosixFilePermissions.fromString(Files.isDirectory(path) ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    /** Lengths of files by their path relative to the folder. */
    static Map<String, Long> lengths(Path folder) throws IOException {
        var lengths = new TreeMap<String, Long>();
        for (Path path : list(folder)) {
            if (Files.isRegularFile(path)) {
                lengths.put(folder.relativize(path).toString(), Files.size(path));
            }
        }
        return lengths;
    }

    static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            for (Path path :
                    list(folder).stream().sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    private static java.util.List<Path> list(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
