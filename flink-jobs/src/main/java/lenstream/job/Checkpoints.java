package lenstream.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The checkpoints and savepoints of a job that runs in one JVM, which no cluster remembers for it: a later process finds
 * the newest complete one again by itself. Layout: {@code <root>/<job id>/chk-<n>/_metadata} for checkpoints, {@code
 * <root>/savepoint-<…>/_metadata} for savepoints. Flink writes {@code _metadata} last, so a folder that has one is
 * complete. Immutable.
 *
 * @param root folder of one job; made if it is not there
 */
public record Checkpoints(Path root) {
    private static final String METADATA = "_metadata";

    /** The newest complete checkpoint or savepoint, if there is one. */
    public Optional<Path> newest() {
        return complete().stream().max(Comparator.comparing(Checkpoints::written));
    }

    /** Whether a folder can be moved: a savepoint holds all its files, a checkpoint shares some with others. */
    public static boolean isSavepoint(Path checkpoint) {
        return checkpoint.getFileName().toString().startsWith("savepoint-");
    }

    /**
     * Deletes every savepoint but the one given: each stop writes one, and only the newest is ever read again.
     * Checkpoints are Flink's own to delete.
     */
    public void keepOnly(Path savepoint) {
        for (Path old : complete()) {
            if (root.toAbsolutePath().normalize().equals(old.getParent())
                    && !old.equals(savepoint.toAbsolutePath().normalize())) {
                delete(old);
            }
        }
    }

    private List<Path> complete() {
        Path absolute = root.toAbsolutePath().normalize();
        if (!Files.isDirectory(absolute)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(absolute, 3)) {
            return files.filter(file -> file.getFileName().toString().equals(METADATA))
                    .map(Path::getParent)
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            throw new IllegalStateException("cannot look for checkpoints in " + absolute + ": " + e.getMessage(), e);
        }
    }

    private static FileTime written(Path checkpoint) {
        try {
            return Files.getLastModifiedTime(checkpoint.resolve(METADATA));
        } catch (IOException e) {
            return FileTime.fromMillis(0); // deleted since it was listed
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete the old savepoint " + folder, e);
        }
    }
}
