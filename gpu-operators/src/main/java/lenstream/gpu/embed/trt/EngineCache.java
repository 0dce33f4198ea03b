package lenstream.gpu.embed.trt;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import lenstream.core.model.Fingerprint;
import lenstream.gpu.cuda.Device;

/**
 * The folder that holds the engines of one model on one kind of device with one set of versions, locked while it is open:
 * of two processes that build the same engine the second waits and then finds it built, instead of both writing one timing
 * cache.
 */
final class EngineCache implements AutoCloseable {
    /** A file lock is the whole process's, so threads take turns here first. */
    private static final ReentrantLock PROCESS = new ReentrantLock();

    private final Path folder;
    private final FileChannel channel;
    private final FileLock lock;

    private EngineCache(Path folder, FileChannel channel, FileLock lock) {
        this.folder = folder;
        this.channel = channel;
        this.lock = lock;
    }

    /**
     * Opens the folder and waits for its lock.
     *
     * @param versions of the runtime libraries, part of the folder's name
     */
    @MustBeClosed
    static EngineCache open(EmbedderConfig config, Fingerprint fingerprint, Device device, String versions) {
        String key = String.join(
                "-",
                fingerprint.value(),
                device.name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-"),
                device.architecture(),
                "driver" + device.driverVersion(),
                versions,
                "batch" + config.maxBatch(),
                config.half() ? "fp16" : "fp32",
                "level" + config.builderLevel());
        return open(config.cache().resolve(key));
    }

    /** Opens a folder, made if it is missing, and waits for its lock. */
    @MustBeClosed
    static EngineCache open(Path folder) {
        PROCESS.lock();
        boolean opened = false;
        try {
            Files.createDirectories(folder);
            FileChannel channel =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                var cache = new EngineCache(folder, channel, channel.lock());
                opened = true;
                return cache;
            } catch (Throwable failure) {
                channel.close();
                throw failure;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("open the engine cache " + folder, e);
        } finally {
            if (!opened) {
                PROCESS.unlock();
            }
        }
    }

    Path folder() {
        return folder;
    }

    /**
     * A model file of a few kilobytes that names the engine: ONNX Runtime opens it without reading the model's weights. It is
     * written while the engine is built.
     */
    Path compiledModel() {
        return folder.resolve("compiled.onnx");
    }

    private Path namesFile() {
        return folder.resolve("compiled.names");
    }

    /** Whether a compiled model was never asked for. */
    boolean wantsCompiledModel() {
        return !Files.exists(namesFile());
    }

    boolean hasCompiledModel() {
        return Files.exists(compiledModel()) && Files.exists(namesFile());
    }

    /** The names of inputs and outputs of the model that was compiled. */
    List<String> names() {
        try {
            return Files.readAllLines(namesFile());
        } catch (IOException e) {
            throw new UncheckedIOException("read " + namesFile(), e);
        }
    }

    void keepNames(List<String> names) {
        try {
            Files.write(namesFile(), names);
        } catch (IOException e) {
            throw new UncheckedIOException("write " + namesFile(), e);
        }
    }

    /** Of a model that TensorRT takes in parts, each of which wrote over the last. */
    void forgetCompiledModel() {
        delete(compiledModel());
    }

    /** Deletes what was built, but not the lock and what was learnt about speeds. */
    void clear() {
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(file -> {
                        String name = file.getFileName().toString();
                        return !name.equals("lock") && !name.endsWith(".timing");
                    })
                    .forEach(EngineCache::delete);
        } catch (IOException e) {
            throw new UncheckedIOException("clear the engine cache " + folder, e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("delete " + file, e);
        }
    }

    /** Whether an engine is there. */
    boolean isWarm() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.anyMatch(file -> file.toString().endsWith(".engine"));
        } catch (IOException e) {
            throw new UncheckedIOException("look into the engine cache " + folder, e);
        }
    }

    @Override
    public void close() {
        try (channel) {
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException("unlock the engine cache " + folder, e);
        } finally {
            PROCESS.unlock();
        }
    }
}
