package lenstream.core.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where OpenSearch finds its files and keeps its data, prepared for the user it runs as.
 *
 * @param home the distribution, or a copy of it
 * @param run holds config, data, logs, tmp and repo, all owned by that user
 * @param uid the user, or -1 for the one that runs this JVM
 * @param note what people should know about the choice
 */
record Place(Path home, Path run, int uid, Optional<String> note) {
    /** {@code nobody} of Linux distributions: owns nothing else. */
    static final int NOBODY = 65_534;

    private static final Path ELSEWHERE = Path.of("/var/tmp");
    private static final String PREFIX = "lenstream-";

    /** In the run folder: where its data are. */
    private static final String POINTER = "relocated";

    /** In the place elsewhere: whose data these are. */
    private static final String OWNER = "run-folder";

    private static final List<String> RUN_FOLDERS = List.of("config", "data", "logs", "tmp", "repo");

    static Place prepare(Path distribution, Path runDir, Path javaHome) {
        try {
            Files.createDirectories(runDir);
            if (!LocalProcess.isRoot()) {
                return laidOut(distribution, runDir, -1, Optional.empty());
            }
            requireReachable(javaHome.resolve("bin/java"));
            Path home = distribution.toRealPath();
            Path run = runDir.toRealPath();
            boolean homeOpen = isReachable(home) && isReadable(home.resolve("lib"));
            boolean runOpen = isReachable(run.getParent());
            if (homeOpen && runOpen) {
                return laidOut(home, run, NOBODY, Optional.empty());
            }
            Path elsewhere = elsewhere(run);
            if (!homeOpen) {
                Path copy = elsewhere.resolve("home");
                copyTree(home, copy);
                home = copy;
            }
            if (!runOpen) {
                run = elsewhere.resolve("run");
                Files.createDirectories(run);
            }
            return laidOut(
                    home,
                    run,
                    NOBODY,
                    Optional.of("OpenSearch, which may not run as root, cannot reach "
                            + (runOpen ? distribution : runDir) + " as user " + NOBODY + ": it uses " + elsewhere));
        } catch (IOException failure) {
            throw new LocalServiceException(
                    "Cannot prepare " + runDir + " for OpenSearch (" + failure
                            + "): make the folder writable, or choose another data folder.",
                    failure);
        }
    }

    private static Place laidOut(Path home, Path run, int uid, Optional<String> note) throws IOException {
        for (String folder : RUN_FOLDERS) {
            Files.createDirectories(run.resolve(folder));
        }
        try (var files = Files.newDirectoryStream(home.resolve("config"))) {
            for (Path file : files) {
                Files.copy(
                        file,
                        run.resolve("config").resolve(file.getFileName().toString()),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
        if (uid >= 0) {
            own(run, uid);
            for (String folder : RUN_FOLDERS) {
                Files.walkFileTree(run.resolve(folder), new SimpleFileVisitor<Path>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path visited, BasicFileAttributes attributes)
                            throws IOException {
                        own(visited, uid);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path visited, BasicFileAttributes attributes) throws IOException {
                        own(visited, uid);
                        return FileVisitResult.CONTINUE;
                    }
                });
            }
        }
        return new Place(home, run, uid, note);
    }

    private static void own(Path file, int uid) throws IOException {
        Files.setAttribute(file, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(file, "unix:gid", uid, LinkOption.NOFOLLOW_LINKS);
    }

    private static void requireReachable(Path java) throws IOException {
        Path real = java.toRealPath();
        if (!isReachable(real)) {
            throw new LocalServiceException(
                    "OpenSearch may not run as root, and user " + NOBODY + " cannot reach the JDK "
                            + real + ": run as an ordinary user, or set JAVA_HOME to a JDK in a folder open to all,"
                            + " below /opt or /usr/lib/jvm for instance.");
        }
    }

    /** Whether {@link #NOBODY} may pass through every folder down to this file or folder, and through it. */
    private static boolean isReachable(@Nullable Path realPath) throws IOException {
        for (Path at = realPath; at != null; at = at.getParent()) {
            if (!grants(at, PosixFilePermission.OWNER_EXECUTE, PosixFilePermission.OTHERS_EXECUTE)) {
                return false;
            }
        }
        return true;
    }

    /** Whether {@link #NOBODY} may read a folder and its files: a strict umask at build time closes them. */
    private static boolean isReadable(Path folder) throws IOException {
        if (!grants(folder, PosixFilePermission.OWNER_READ, PosixFilePermission.OTHERS_READ)) {
            return false;
        }
        try (var files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                if (!grants(file, PosixFilePermission.OWNER_READ, PosixFilePermission.OTHERS_READ)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean grants(Path file, PosixFilePermission asOwner, PosixFilePermission asOther)
            throws IOException {
        Set<PosixFilePermission> granted = Files.getPosixFilePermissions(file);
        boolean owned = Files.getAttribute(file, "unix:uid").equals(NOBODY);
        return granted.contains(owned ? asOwner : asOther);
    }

    /**
     * The folder below {@code /var/tmp} that belongs to this run folder. Its content is kept only while the run folder
     * still points to it: a deleted and newly made run folder starts empty.
     */
    private static Path elsewhere(Path run) throws IOException {
        Path folder = ELSEWHERE.resolve(PREFIX + hash(run.toString()));
        Path pointer = run.resolve(POINTER);
        boolean known = Files.exists(pointer)
                && Files.readString(pointer, StandardCharsets.UTF_8).strip().equals(folder.toString());
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            // /var/tmp is open to all: a folder or link that another user put there must not be trusted
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    || !Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                            .equals(0)) {
                throw new LocalServiceException(
                        folder + " belongs to another user: remove it, or choose another data folder.");
            }
            if (!known) {
                deleteTree(folder);
            }
        }
        if (!Files.exists(folder)) {
            Files.createDirectory(folder);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        }
        Files.writeString(folder.resolve(OWNER), run + "\n", StandardCharsets.UTF_8);
        Files.writeString(pointer, folder + "\n", StandardCharsets.UTF_8);
        discardOrphans();
        return folder;
    }

    /** Deletes places whose run folder is gone: whoever deletes a data folder means all of its data. */
    private static void discardOrphans() throws IOException {
        try (var folders = Files.newDirectoryStream(ELSEWHERE, PREFIX + "*")) {
            for (Path folder : folders) {
                Path owner = folder.resolve(OWNER);
                if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                        || !Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                                .equals(0)
                        || !Files.isRegularFile(owner)) {
                    continue;
                }
                Path run =
                        Path.of(Files.readString(owner, StandardCharsets.UTF_8).strip());
                if (!Files.exists(run.resolve(POINTER))) {
                    deleteTree(folder);
                }
            }
        }
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 6);
        } catch (NoSuchAlgorithmException everyJdkHasIt) {
            throw new IllegalStateException(everyJdkHasIt);
        }
    }

    private static void copyTree(Path from, Path to) throws IOException {
        if (Files.exists(to)) {
            deleteTree(to);
        }
        try (var files = Files.walk(from)) {
            for (Path source : (Iterable<Path>) files::iterator) {
                Path target = to.resolve(from.relativize(source).toString());
                boolean folder = Files.isDirectory(source);
                if (folder) {
                    Files.createDirectory(target);
                } else {
                    Files.copy(source, target);
                }
                Files.setPosixFilePermissions(
                        target, PosixFilePermissions.fromString(folder ? "rwxr-xr-x" : "rw-r--r--"));
            }
        } catch (UncheckedIOException failure) {
            throw failure.getCause();
        }
    }

    private static void deleteTree(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<Path>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure) throws IOException {
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
